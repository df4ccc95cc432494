import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGateway, type Gateway, type GatewayDeps } from '../../../gateway/gateway.ts';
import { createHttpClient } from '../../../gateway/engine/client/http.ts';
import { CodedError } from '#platform/errors.ts';
import { createLog } from '#platform/log.ts';
import { createMetrics } from '#platform/metrics.ts';
import { serveSubgraph } from '#platform/serve-subgraph.ts';
import { composeSupergraph } from '../../support/federation/supergraph.ts';
import { sends, startScriptedSubgraph } from './scripted-subgraph.ts';

const subgraph = await startScriptedSubgraph();
const supergraphSdl = composeSupergraph({ goods: { typeDefs: 'type Query { a: Int b: Int }' } });

async function gatewayWith(settings: Partial<GatewayDeps>) {
  return createGateway({
    supergraphSdl,
    clients: (name) => createHttpClient({ name, url: subgraph.url }),
    auth: null,
    log: createLog('gateway', 'silent'),
    metrics: createMetrics('gateway'),
    ...settings,
  });
}

async function end(gateway: Gateway): Promise<void> {
  await gateway.drain(0);
  await gateway.close();
}

const scope = (signal = new AbortController().signal) => ({ headers: { 'x-a': '1' }, signal });

test('a request that takes too long ends with what is there, and its fetches are broken off', async () => {
  const gateway = await gatewayWith({ requestDeadlineMs: 500 });
  // Planned beforehand, so that the time goes to the subgraph.
  subgraph.answerWith(sends('{"data":{"a":1}}'));
  await gateway.engine.execute({ query: '{ a }' }, scope());
  subgraph.answerWith(() => undefined);
  const arrived = subgraph.nextRequest();
  const answering = gateway.engine.execute({ query: '{ a }' }, scope());
  const { socket, headers } = await arrived;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const { data, errors } = await answering;
  await closed;
  assert.deepEqual(data, { a: null });
  assert.deepEqual(errors?.[0]?.extensions?.['code'], 'SUBGRAPH_TIMEOUT');
  assert.equal(headers['x-a'], '1');
  await end(gateway);
});

test('subgraphs are told how much time is left', async () => {
  const gateway = await gatewayWith({ requestDeadlineMs: 60_000 });
  subgraph.answerWith(sends('{"data":{"a":1}}'));
  const arrived = subgraph.nextRequest();
  assert.deepEqual(await gateway.engine.execute({ query: '{ a }' }, scope()), { data: { a: 1 } });
  const leftMs = Number((await arrived).headers['x-veza-deadline-ms']);
  assert.ok(leftMs > 0 && leftMs <= 60_000, String(leftMs));
  await end(gateway);
});

test('a subgraph stops what it does for a caller who waits no longer', async () => {
  const subgraphOf = await serveSubgraph({
    endpoint: {
      execute: (_request, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve({ data: { stopped: true } }));
        }),
      subscribe: async () => ({ errors: [] }),
    },
    host: '127.0.0.1',
    port: 0,
    checks: {},
    metrics: createMetrics('goods'),
    log: createLog('goods', 'silent'),
  });
  const response = await fetch(`http://127.0.0.1:${subgraphOf.port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-veza-deadline-ms': '10' },
    body: '{"query":"{ a }"}',
  });
  assert.deepEqual(await response.json(), { data: { stopped: true } });
  await subgraphOf.close(0);
});

test('a client who leaves ends its fetches before the deadline', async () => {
  const gateway = await gatewayWith({ requestDeadlineMs: 3_600_000 });
  subgraph.answerWith(() => undefined);
  const gone = new AbortController();
  const arrived = subgraph.nextRequest();
  const answering = gateway.engine.execute({ query: '{ a }' }, scope(gone.signal));
  const { socket } = await arrived;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  gone.abort();
  await Promise.all([answering, closed]);
  await end(gateway);
});

test('errors do not name a subgraph that is hidden', async () => {
  for (const isHidden of [() => true, () => false]) {
    const gateway = await gatewayWith({
      isHidden,
      clients: () => ({
        fetch: async () => {
          throw new CodedError('SUBGRAPH_UNAVAILABLE', 'The subgraph goods could not be reached.');
        },
        subscribe: async () => ({ errors: [] }),
        close: async () => undefined,
      }),
    });
    const texts = [
      JSON.stringify(await gateway.engine.execute({ query: '{ a }' }, scope())),
      JSON.stringify(await gateway.engine.executeText({ query: '{ a }' }, scope())),
    ];
    for (const text of texts) {
      assert.match(text, /SUBGRAPH_UNAVAILABLE/);
      assert.equal(text.includes('goods'), !isHidden());
    }
    await end(gateway);
  }
});
