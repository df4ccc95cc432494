import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import type { HttpListener } from '#platform/http.ts';
import { createLog } from '#platform/log.ts';
import { createMetrics } from '#platform/metrics.ts';
import { serveSubgraph } from '#platform/serve-subgraph.ts';
import { createFeed } from '../../support/federation/feed.ts';
import { composeSupergraph, createTestEndpoint } from '../../support/federation/supergraph.ts';
import { connectSocket } from '../../support/graphql-ws-client.ts';
import { CHECKOUT, startProcess } from '../../support/platform-process.ts';
import { readEvents } from './event-reader.ts';
import { post } from './fake-gateway.ts';

const POSTED = { query: 'subscription { posted { id author { name } } }' };
const posted = (id: string, name: string) => ({ data: { posted: { id, author: { name } } } });

describe('the gateway as a process of its own', () => {
  const feed = createFeed();
  const folder = mkdtempSync(join(tmpdir(), 'veza-gateway-'));
  const supergraph = join(folder, 'supergraph.graphql');
  const subgraphs: HttpListener[] = [];
  const env: NodeJS.ProcessEnv = { LOG_LEVEL: 'silent', HOST: '', PORT: '', JWKS_URL: '', REDIS_URL: '' };

  before(async () => {
    writeFileSync(supergraph, composeSupergraph(feed.subgraphs));
    for (const [name, subgraph] of Object.entries(feed.subgraphs)) {
      const listener = await serveSubgraph({
        endpoint: createTestEndpoint(subgraph),
        host: '127.0.0.1',
        port: 0,
        checks: {},
        metrics: createMetrics(name),
        log: createLog(name, 'silent'),
      });
      subgraphs.push(listener);
      env[`SUBGRAPH_${name.toUpperCase()}_URL`] = `http://127.0.0.1:${listener.port}/graphql`;
    }
  });
  after(async () => {
    await Promise.all(subgraphs.map((listener) => listener.close(0)));
    rmSync(folder, { recursive: true });
  });

  const start = (own: NodeJS.ProcessEnv = {}) =>
    startProcess(
      'gateway/index.ts',
      ['--supergraph', supergraph, '--port', '0'],
      { ...env, ...own },
      (line) => /ready at (http:\S+)\/graphql$/.exec(line)?.[1] ?? null,
    );

  test('serves any supergraph over HTTP, WebSocket and event streams, and ends in order', async () => {
    const { result: url, end } = await start();
    assert.deepEqual((await post({ url }, { query: '{ __typename posts }' })).body.data, {
      __typename: 'Query',
      posts: null,
    });
    const socket = await connectSocket(url);
    socket.send({ type: 'subscribe', id: 's', payload: POSTED });
    const stream = await readEvents(url, POSTED);
    await untilSubscribed(url, 2);
    feed.publish('p1', 'a1');
    assert.deepEqual((await socket.next()).payload, posted('p1', 'Ada'));
    assert.deepEqual(JSON.parse((await stream.next())?.data ?? ''), posted('p1', 'Ada'));
    const exited = end('SIGTERM');
    assert.equal((await socket.closed).code, 1001);
    // Not `complete`: whoever is told that it is over does not come again.
    assert.equal(await stream.next(), null);
    assert.equal(await exited, 0);
  });

  test('runs plain ApolloGateway where it is told to, which answers queries and says that it has no subscriptions', async () => {
    const { result: url, end } = await start({ GATEWAY_ENGINE: 'reference' });
    assert.deepEqual((await post({ url }, { query: '{ __typename posts }' })).body, {
      data: { __typename: 'Query', posts: null },
    });
    const socket = await connectSocket(url);
    socket.send({ type: 'subscribe', id: 's', payload: POSTED });
    const { type, payload } = await socket.next();
    assert.equal(type, 'error');
    assert.match(JSON.stringify(payload), /reference engine, which has no subscriptions.*BAD_REQUEST/);
    const stream = await readEvents(url, POSTED);
    assert.match((await stream.next())?.data ?? '', /reference engine, which has no subscriptions/);
    assert.equal((await stream.next())?.event, 'complete');
    assert.equal(await end('SIGTERM'), 0);
  });

  test('says in one message why it cannot start, and exits with 1', async () => {
    const occupied = createServer().listen(0, '127.0.0.1');
    await once(occupied, 'listening');
    const address = occupied.address();
    const taken = String(typeof address === 'object' ? address?.port : '');
    const bad = join(folder, 'bad.graphql');
    writeFileSync(bad, 'type Query { ');
    const failures: [string[], NodeJS.ProcessEnv, RegExp][] = [
      [['--nope'], {}, /Unknown option '--nope'/],
      [['--supergraph', '/missing.graphql'], {}, /\/missing\.graphql/],
      [['--supergraph', bad], {}, /supergraph is not usable/],
      [['--supergraph', supergraph, '--port', 'abc'], {}, /PORT/],
      [['--supergraph', supergraph, '--port', taken], {}, new RegExp(`Port ${taken}`)],
      [
        ['--supergraph', supergraph],
        { LOG_LEVEL: 'loud', MAX_BODY_BYTES: '-1' },
        /LOG_LEVEL[^]*MAX_BODY_BYTES/,
      ],
      [
        ['--supergraph', supergraph],
        { JWKS_URL: 'http://127.0.0.1/jwks', INTERNAL_SECRET: '' },
        /INTERNAL_SECRET/,
      ],
    ];
    await Promise.all(
      failures.map(async ([args, own, message]) => {
        const options = { env: { ...process.env, ...env, ...own } };
        const child = spawn(process.execPath, [join(CHECKOUT, 'gateway/index.ts'), ...args], options);
        const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
        assert.equal(code, 1, args.join(' '));
        assert.match(stderr, message);
        assert.doesNotMatch(stderr, /^\s+at /m);
      }),
    );
    occupied.close();
  });
});

/** The subscription is live once the gateway counts it; an event published before that would be lost to it. */
async function untilSubscribed(url: string, count: number): Promise<void> {
  for (;;) {
    const figures = await (await fetch(`${url}/metrics`)).text();
    const active = [...figures.matchAll(/^gateway_active_subscriptions\{.*\} (\d+)$/gm)];
    if (active.reduce((sum, [, value]) => sum + Number(value), 0) >= count) return;
  }
}
