import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { encodeCursor } from '#platform/events/cursor.ts';
import { listen, type HttpListener } from '#platform/http.ts';
import type { SubgraphEndpoint } from '#platform/subgraph-endpoint.ts';
import { createLog } from '#platform/log.ts';
import { createMetrics } from '#platform/metrics.ts';
import { serveSubgraph } from '#platform/serve-subgraph.ts';
import { createHttpClient } from '../../gateway/engine/client/http.ts';
import { createInProcessClient } from '../../gateway/engine/client/in-process.ts';
import type { SubgraphClient } from '../../gateway/engine/client/subgraph-client.ts';
import { createWebSocketClient } from '../../gateway/engine/client/websocket.ts';
import { createGateway } from '../../gateway/gateway.ts';
import {
  CLIENT_NAMES,
  createSubscribingClient,
  type ClientName,
  type Listening,
} from '../support/subscribing-clients.ts';
import { must, newUser, openLiveRoom, publish, startStream, type Stream } from '../subgraphs/stream-kit.ts';

const COMMENTS = 'subscription ($id: ID!) { trackComments(trackId: $id) { body } }';
const EVENTS = `subscription ($id: ID!, $after: EventCursor) { liveRoomEvents(liveRoomId: $id, after: $after) {
  __typename cursor ... on LiveStateChanged { state } } }`;
const BEGINNING = encodeCursor({ epoch: 0, seq: 0 });
const log = createLog('test', 'silent');

const serve = (stream: Stream, port = 0, endpoint: SubgraphEndpoint = stream.open.subgraph.endpoint) =>
  serveSubgraph({
    endpoint,
    ...{ host: '127.0.0.1', port, checks: {}, metrics: createMetrics('stream'), log },
  });

const nowhere: SubgraphClient = {
  fetch: () => Promise.reject(new Error('not asked')),
  subscribe: () => Promise.reject(new Error('not asked')),
  close: async () => undefined,
};

/** The platform's graph, of which the stream subgraph alone is there. */
async function startGateway(streamClient: SubgraphClient) {
  const supergraphSdl = await readFile(new URL('../../schema/supergraph.graphql', import.meta.url), 'utf8');
  const clients = (name: string) => (name === 'stream' ? streamClient : nowhere);
  const gateway = await createGateway({ supergraphSdl, clients, ...{ auth: null, log, metrics: null } });
  const { routes, upgrades } = gateway;
  const listener = await listen({ host: '127.0.0.1', port: 0, routes, upgrades, log });
  return {
    url: `http://127.0.0.1:${listener.port}/graphql`,
    async close() {
      await gateway.drain(0);
      await listener.close(0);
      await gateway.close();
    },
  };
}

/** How each client is told that a subscription ended for a reason; of server-sent events the last one carries it. */
const ENDINGS: Readonly<Record<ClientName, readonly string[]>> = {
  'graphql-ws': ['failed FORBIDDEN'],
  'graphql-sse': ['event FORBIDDEN', 'complete'],
  'graphql-sse over a single connection': ['event FORBIDDEN', 'complete'],
  'Apollo Client': ['failed FORBIDDEN'],
};

async function signals(listening: Listening, count: number): Promise<string[]> {
  const seen: string[] = [];
  while (seen.length < count) {
    const signal = await listening.next();
    seen.push('codes' in signal ? [signal.kind, ...signal.codes].join(' ') : signal.kind);
  }
  return seen;
}

const UPSTREAMS = ['in process', 'over a socket'] as const;

for (const upstream of UPSTREAMS)
  describe(`a subscription that ends, of a subgraph ${upstream}`, () => {
    let stream: Stream;
    let listener: HttpListener;
    let gateway: Awaited<ReturnType<typeof startGateway>>;
    before(async () => {
      stream = await startStream();
      listener = await serve(stream);
      const url = `http://127.0.0.1:${listener.port}/graphql`;
      const name = 'stream';
      gateway = await startGateway(
        upstream === 'in process'
          ? createInProcessClient(stream.open.subgraph.endpoint)
          : createHttpClient({ name, url, subscriptions: createWebSocketClient({ name, url }) }),
      );
    });
    after(async () => {
      await gateway.close();
      await listener.close(0);
      await stream.close();
    });

    for (const name of CLIENT_NAMES) {
      it(`for a reason does not look like one that is complete: ${name}`, async () => {
        const artist = newUser();
        const { id } = await publish(stream, artist);
        const client = createSubscribingClient(name, gateway.url);
        const listening = client.listen(COMMENTS, { id });
        const heard = listening.next();
        // Until it is live, comments pass unheard.
        const commenting = setInterval(
          () =>
            void must(stream, artist, 'commentOnTrack', { trackId: id, body: 'hear this' }).catch(
              () => undefined,
            ),
          50,
        );
        assert.equal((await heard).kind, 'event');
        clearInterval(commenting);
        await must(stream, artist, 'updateTrack', { id, input: { visibility: 'PRIVATE' } });
        const seen: string[] = [];
        while (seen.at(-1) === undefined || seen.at(-1) === 'event')
          seen.push(...(await signals(listening, 1)));
        const last = seen.filter((one) => one !== 'event');
        assert.deepEqual([...last, ...(await signals(listening, ENDINGS[name].length - 1))], ENDINGS[name]);
        client.dispose();
      });

      it(`because there is nothing more to tell is complete: ${name}`, async () => {
        const host = newUser();
        const id = await openLiveRoom(stream, host);
        const client = createSubscribingClient(name, gateway.url);
        const listening = client.listen(EVENTS, { id, after: BEGINNING });
        assert.deepEqual(await signals(listening, 2), ['event', 'event']);
        await must(stream, host, 'endLiveRoom', { id });
        assert.deepEqual(await signals(listening, 2), ['event', 'complete']);
        client.dispose();
      });
    }
  });

describe('a subgraph that is started anew', () => {
  it('costs its subscribers nothing: they are told neither of an end nor of an error, and miss no event', async () => {
    const stream = await startStream();
    const { endpoint } = stream.open.subgraph;
    const live = Promise.withResolvers<void>();
    let listener = await serve(stream, 0, {
      ...endpoint,
      async subscribe(request, scope) {
        const opened = await endpoint.subscribe(request, scope);
        if (!Object.values(request.variables ?? {}).includes(BEGINNING)) live.resolve();
        return opened;
      },
    });
    const { port } = listener;
    const [url, name] = [`http://127.0.0.1:${port}/graphql`, 'stream'];
    const gateway = await startGateway(
      createHttpClient({ name, url, subscriptions: createWebSocketClient({ name, url }) }),
    );
    const host = newUser();
    const id = await openLiveRoom(stream, host);
    const clients = CLIENT_NAMES.map((client) => createSubscribingClient(client, gateway.url));
    const listenings = clients.map((client) => client.listen(EVENTS, { id, after: BEGINNING }));
    for (const listening of listenings) assert.deepEqual(await signals(listening, 2), ['event', 'event']);
    // It has neither a position nor an event to go on from.
    const [first] = clients;
    if (first) listenings.push(first.listen(EVENTS, { id }));
    await live.promise;
    await listener.close();
    await must(stream, host, 'endLiveRoom', { id });
    listener = await serve(stream, port);
    for (const listening of listenings) assert.deepEqual(await signals(listening, 2), ['event', 'complete']);
    for (const client of clients) client.dispose();
    await gateway.close();
    await listener.close(0);
    await stream.close();
  });
});
