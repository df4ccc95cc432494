import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { buildSchema, subscribe } from 'graphql';
import { createHandler } from 'graphql-sse/lib/use/http';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { seededRandom } from '../../support/random.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { createTestClient, cursorsOf, FOLLOW, MODES, type Entry } from './realtime-kit.ts';

const SEED = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const EVENTS = 200;

const schema = buildSchema(/* GraphQL */ `
  type Query {
    none: String
  }
  type Subscription {
    log(after: String): Line
  }
  type Line {
    cursor: String!
  }
`);

const numberOf = (after: string | null | undefined) => Number(after?.slice(1) ?? 0);

const rootValue = {
  async *log({ after }: { after?: string | null }) {
    for (let number = numberOf(after) + 1; number <= EVENTS; number++) {
      // One at a time, as events happen.
      await new Promise((resolve) => setImmediate(resolve));
      yield { log: { cursor: `c${number}` } };
    }
  },
};

/** The servers of the graphql-ws and graphql-sse packages on one address, whose connections can be cut. */
async function startReference(t: TestContext) {
  const handler = createHandler({
    schema,
    subscribe: (args) => subscribe({ ...args, rootValue }),
  });
  const server = createServer(
    (request, response) => void handler(request, response).catch(() => response.destroy()),
  );
  const sockets = new WebSocketServer({ server });
  useServer({ schema, roots: { subscription: rootValue } }, sockets);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await startTcpProxy('127.0.0.1', (server.address() as AddressInfo).port);
  t.after(async () => {
    await proxy.close();
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${proxy.port}`,
    cut() {
      proxy.block();
      proxy.open();
    },
  };
}

describe(`servers of the reference packages (TEST_SEED=${SEED})`, () => {
  for (const [name, mode] of Object.entries(MODES))
    test(`are followed over ${name}, however often it is cut, to the end of their events`, async (t) => {
      const random = seededRandom(SEED);
      const { url, cut } = await startReference(t);
      let interruptions = 0;
      const onRetry = () => void (interruptions += 1);
      const events = createTestClient(t, { ...mode, url, onRetry }).subscribe<Entry>(FOLLOW, { after: 'c0' });
      const seen: string[] = [];
      while (seen.length < EVENTS) {
        seen.push(...(await cursorsOf(events, 1)));
        if (random() < 0.06) cut();
      }
      assert.deepEqual(
        seen,
        Array.from({ length: EVENTS }, (_, index) => `c${index + 1}`),
      );
      assert.equal((await events.next()).done, true);
      assert.ok(interruptions > 0, 'it was cut at all');
    });
});
