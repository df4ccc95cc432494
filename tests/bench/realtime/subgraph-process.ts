/** The measured subgraphs in one process; tells its ports, and publishes what it is told to. */
import { createSourceEventStream, execute, parse, type FormattedExecutionResult } from 'graphql';
import { z } from 'zod';
import { connectChannels } from '#platform/events/connect.ts';
import { createLog } from '#platform/log.ts';
import { mapEvents } from '#platform/map-events.ts';
import { createMetrics } from '#platform/metrics.ts';
import { serveSubgraph } from '#platform/serve-subgraph.ts';
import type { GraphQLRequest, SubgraphEndpoint } from '#platform/subgraph-endpoint.ts';
import { POSTED_TOPIC, subgraphSchema, SUBGRAPHS, type SubgraphName } from './graph.ts';
import { createRoomLog } from './room-log.ts';

const log = createLog('bench', 'warn');
const roomLog = createRoomLog();

function endpointOf(name: SubgraphName): SubgraphEndpoint {
  const schema = subgraphSchema(name);
  const documents = new Map<string, ReturnType<typeof parse>>();
  const argsOf = ({ query, variables: variableValues }: GraphQLRequest) => {
    let document = documents.get(query);
    if (!document) documents.set(query, (document = parse(query)));
    return { schema, document, variableValues, contextValue: roomLog };
  };
  const run = async (args: Parameters<typeof execute>[0]) =>
    (await execute(args)) as FormattedExecutionResult;
  return {
    execute: (request) => run(argsOf(request)),
    async subscribe(request, { signal }) {
      const args = argsOf(request);
      const subscribeFieldResolver = (_: unknown, { roomId, after }: { roomId: string; after?: string }) =>
        roomLog.read(roomId, after ?? null);
      const source = await createSourceEventStream({ ...args, subscribeFieldResolver });
      if (!(Symbol.asyncIterator in source)) return source as FormattedExecutionResult;
      return mapEvents({
        source,
        map: (rootValue) => run({ ...args, rootValue }),
        failureOf: (error) => ({ errors: [{ message: String(error) }] }),
        signal,
        onEnd: () => undefined,
      });
    },
  };
}

const ports: Partial<Record<SubgraphName, number>> = {};
for (const name of SUBGRAPHS) {
  const metrics = createMetrics(name, 'off');
  const options = { endpoint: endpointOf(name), host: '127.0.0.1', port: 0, checks: {}, metrics, log };
  ports[name] = (await serveSubgraph(options)).port;
}

const { REDIS_URL: redisUrl } = process.env;
const channels = redisUrl ? await connectChannels({ redisUrl, log }) : null;
const order = z.object({ roomId: z.string(), count: z.number() });
process.on('message', (message) => {
  const { roomId, count } = order.parse(message);
  for (let published = 0; published < count; published += 1) {
    const { __typename, id } = roomLog.publish(roomId);
    void channels?.publish(POSTED_TOPIC.replace('{roomId}', roomId), { __typename, id });
  }
});
process.on('disconnect', () => process.exit(0));
process.send?.({ ports });
