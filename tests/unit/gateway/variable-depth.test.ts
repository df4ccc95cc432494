import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createInProcessClient } from '../../../gateway/engine/client/in-process.ts';
import { serveTestGateway, type ServedGateway } from '../../support/federation/served-gateway.ts';
import { composeSupergraph, createTestEndpoint } from '../../support/federation/supergraph.ts';
import { connectSocket } from '../../support/graphql-ws-client.ts';
import { readEvents } from './event-reader.ts';
import { codeOf, post } from './fake-gateway.ts';

const subgraphs = {
  echo: {
    typeDefs: `
      scalar JSON
      type Query { depth(of: JSON): Int }
      type Mutation { keep(of: JSON): Int }
      type Subscription { depths(of: JSON): Int }`,
    resolvers: {
      Query: { depth: (_: unknown, { of }: { of: unknown }) => depthOf(of) },
      Mutation: { keep: (_: unknown, { of }: { of: unknown }) => depthOf(of) },
      Subscription: {
        depths: {
          subscribe: async function* (_: unknown, { of }: { of: unknown }) {
            yield { depths: depthOf(of) };
          },
        },
      },
    },
  },
};

const depthOf = (value: unknown): number => (Array.isArray(value) ? 1 + depthOf(value[0]) : 0);
/** As text, since it is deeper than JSON.stringify goes. */
const body = (operation: string, depth: number) =>
  `{"query":"${operation}","variables":{"v":${'['.repeat(depth)}${']'.repeat(depth)}}}`;
const QUERY = 'query ($v: JSON) { depth(of: $v) }';
const MUTATION = 'mutation ($v: JSON) { keep(of: $v) }';
const SUBSCRIPTION = 'subscription ($v: JSON) { depths(of: $v) }';
/** The second is past what any recursion survives. */
const TOO_DEEP = [129, 100_000];

describe('variables that are nested deeply', () => {
  let gateway: ServedGateway;
  before(async () => {
    const endpoint = createTestEndpoint(subgraphs.echo);
    gateway = await serveTestGateway({
      supergraphSdl: composeSupergraph(subgraphs),
      connect: () => createInProcessClient(endpoint),
    });
  });
  after(() => gateway.close());

  test('reach their subgraph up to 128 levels', async () => {
    assert.deepEqual((await post(gateway, body(QUERY, 128))).body, { data: { depth: 128 } });
  });

  for (const depth of TOO_DEEP) {
    test(`are the client's own fault at ${depth} levels, by whatever way they come`, async () => {
      const batch = (operation: string) => `[${body(operation, depth)}]`;
      for (const operation of [QUERY, MUTATION]) {
        assert.equal(codeOf(await post(gateway, body(operation, depth))), 'BAD_USER_INPUT');
        const [only] = JSON.parse(JSON.stringify((await post(gateway, batch(operation))).body));
        assert.equal(only.errors[0].extensions.code, 'BAD_USER_INPUT');
      }
    });

    test(`are refused at ${depth} levels on a socket`, async () => {
      const socket = await connectSocket(gateway.url);
      for (const operation of [QUERY, SUBSCRIPTION]) {
        socket.send(`{"type":"subscribe","id":"1","payload":${body(operation, depth)}}`);
        const { type, payload } = await socket.next();
        assert.equal(type, 'error');
        assert.match(JSON.stringify(payload), /BAD_USER_INPUT/);
      }
      await socket.close();
    });
  }

  test('are refused in an event stream, as an event', async () => {
    const variables = { v: JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`) };
    const stream = await readEvents(gateway.url, { query: SUBSCRIPTION, variables });
    assert.match((await stream.next())?.data ?? '', /BAD_USER_INPUT/);
    stream.cancel();
  });
});
