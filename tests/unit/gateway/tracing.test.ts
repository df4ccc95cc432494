import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { parseTraceparent } from '#platform/tracing/trace-context.ts';
import { freePort } from '../../support/servers.ts';
import { createFeed } from '../../support/federation/feed.ts';
import { composeSupergraph, type TestSubgraphs } from '../../support/federation/supergraph.ts';
import { connectSocket } from '../../support/graphql-ws-client.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { startOtlpCollector, type ReceivedSpan } from '../../support/otlp-collector.ts';
import { startProcess } from '../../support/platform-process.ts';
import { post } from './fake-gateway.ts';
import { startTracedGateway } from './traced-gateway.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const SAMPLED = `00-${TRACE}-${CALLER}-01`;
const UNSAMPLED = `00-${TRACE}-${CALLER}-00`;
const [SERVER, CLIENT] = [2, 3];

const QUERY = {
  query: 'query Top($secret: String) { good(of: $secret) { price } }',
  variables: { secret: 's3cret' },
};

const shop = (): TestSubgraphs => ({
  goods: {
    typeDefs: 'type Query { good(of: String): Good broken: Int } type Good @key(fields: "id") { id: ID! }',
    resolvers: {
      Query: {
        good: () => ({ id: '1' }),
        broken: () => {
          throw new Error('broken');
        },
      },
    },
  },
  prices: {
    typeDefs: 'type Good @key(fields: "id") { id: ID! price: Int }',
    resolvers: { Good: { price: () => 5 } },
  },
});

const isChildOf = (child: ReceivedSpan, parent: ReceivedSpan) => {
  assert.equal(child.parentSpanId, parent.spanId, `${child.name} below ${parent.name}`);
  assert.equal(child.traceId, parent.traceId);
};

for (const fastPath of ['on', 'off']) {
  describe(`traces, with the fast path ${fastPath}`, () => {
    const env = { FAST_PATH: fastPath };

    test('lead from the client through the gateway and each fetch into the subgraph', async () => {
      const gateway = await startTracedGateway({ subgraphs: shop(), env });
      const headers = { traceparent: SAMPLED, tracestate: 'vendor=1', 'x-correlation-id': 'request-12345' };
      assert.deepEqual((await post(gateway, QUERY, headers)).body.data, { good: { price: 5 } });
      await gateway.close();
      const { collector } = gateway;
      const root = collector.spans.filter(({ service, kind }) => service === 'gateway' && kind === SERVER);
      assert.equal(root.length, 1);
      const [request] = root;
      assert.ok(request);
      assert.equal(request.name, 'query');
      assert.equal(request.traceId, TRACE);
      assert.equal(request.parentSpanId, CALLER);
      assert.deepEqual(
        [
          request.attributes['graphql.operation.name'],
          request.attributes['graphql.operation.type'],
          request.attributes['http.request.method'],
          request.attributes['http.response.status_code'],
          request.attributes['veza.correlation_id'],
        ],
        ['Top', 'query', 'POST', 200, 'request-12345'],
      );
      for (const name of ['goods', 'prices']) {
        const fetch = collector.one(`fetch ${name}`);
        isChildOf(fetch, request);
        assert.equal(fetch.kind, CLIENT);
        const answered = collector.spans.find(({ service }) => service === name);
        assert.ok(answered);
        isChildOf(answered, fetch);
        assert.equal(answered.kind, SERVER);
        assert.equal(answered.attributes['veza.correlation_id'], 'request-12345');
      }
      assert.doesNotMatch(JSON.stringify(collector.spans), /s3cret|good\(of/);
    });

    test('are recorded as the caller decided, and propagated in either case', async () => {
      const gateway = await startTracedGateway({ subgraphs: shop(), env });
      await post(gateway, QUERY, { traceparent: UNSAMPLED });
      await gateway.close();
      assert.deepEqual(gateway.collector.spans, []);
      assert.deepEqual(
        gateway.received.map(({ traceparent }) => traceparent),
        [UNSAMPLED, UNSAMPLED],
      );
    });

    test('begin at the gateway where the caller has none, and are left out by the sampler', async () => {
      const gateway = await startTracedGateway({
        ...{ subgraphs: shop(), env, sampler: 'parentbased_traceidratio', ratio: 0 },
      });
      for (const traceparent of [undefined, 'nonsense', SAMPLED])
        await post(gateway, QUERY, traceparent === undefined ? {} : { traceparent });
      await gateway.close();
      const positions = gateway.received.map(({ traceparent }) => parseTraceparent(traceparent));
      assert.equal(new Set(positions.map((position) => position?.traceId)).size, 3);
      assert.deepEqual(
        positions.map((position) => position?.traceFlags),
        [0, 0, 0, 0, 1, 1],
      );
      assert.ok(gateway.collector.spans.length > 0);
      for (const { traceId } of gateway.collector.spans) assert.equal(traceId, TRACE);
    });

    test('say what failed', async () => {
      const gateway = await startTracedGateway({ subgraphs: shop(), env });
      await post(gateway, { query: '{ broken }' }, { traceparent: SAMPLED });
      await gateway.close();
      const { collector } = gateway;
      const fetch = collector.one('fetch goods');
      assert.equal(fetch.attributes['error.type'], 'SUBGRAPH_ERROR');
      const request = collector.spans.find(({ spanId }) => spanId === fetch.parentSpanId);
      assert.equal(request?.attributes['error.type'], 'SUBGRAPH_ERROR');
      assert.deepEqual([fetch.status.code, request?.status.code], [2, 2]);
    });
  });
}

describe('traces', () => {
  test('of a subscription: its start, and a trace of its own for each event that links to it', async () => {
    const feed = createFeed();
    const gateway = await startTracedGateway({ subgraphs: feed.subgraphs });
    const socket = await connectSocket(gateway.url);
    const extensions = { traceparent: SAMPLED };
    const payload = { query: 'subscription { posted { id author { name } } }', extensions };
    socket.send({ type: 'subscribe', id: 's', payload });
    // The source listens in the same turn in which the subgraph is asked.
    while (gateway.received.length === 0) await setImmediate();
    feed.publish('p1', 'a1');
    assert.equal((await socket.next()).type, 'next');
    await gateway.close();
    const { collector } = gateway;
    const start = collector.one('subscribe feed');
    const whole = collector.spans.find(({ spanId }) => spanId === start.parentSpanId);
    assert.ok(whole);
    assert.deepEqual([whole.name, whole.traceId, whole.parentSpanId], ['subscription', TRACE, CALLER]);
    const event = collector.one('subscription event');
    assert.notEqual(event.traceId, TRACE);
    assert.deepEqual(event.links, [{ traceId: TRACE, spanId: whole.spanId }]);
    isChildOf(collector.one('fetch names'), event);
  });

  test('show planning where it was needed', async () => {
    const gateway = await startTracedGateway({ subgraphs: shop() });
    for (let times = 0; times < 2; times++) await post(gateway, QUERY, { traceparent: SAMPLED });
    await gateway.close();
    const plan = gateway.collector.one('plan');
    assert.ok(gateway.collector.spans.some(({ spanId }) => spanId === plan.parentSpanId));
  });

  test('of a process are turned on by the standard variables, and sent before it ends', async () => {
    const collector = await startOtlpCollector();
    const folder = mkdtempSync(join(tmpdir(), 'veza-tracing-'));
    const supergraph = join(folder, 'supergraph.graphql');
    writeFileSync(supergraph, composeSupergraph(shop()));
    const gateway = await startProcess(
      'gateway/index.ts',
      ['--supergraph', supergraph, '--port', '0'],
      {
        ...{ HOST: '', PORT: '', JWKS_URL: '', REDIS_URL: '', LOG_LEVEL: 'silent' },
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_SERVICE_NAME: 'front',
        OTEL_BSP_SCHEDULE_DELAY: '600000',
      },
      (line) => /ready at (http:\S+)\/graphql$/.exec(line)?.[1] ?? null,
    );
    await post({ url: gateway.result }, { query: '{ __typename }' }, { traceparent: SAMPLED });
    assert.deepEqual(collector.spans, []);
    assert.equal(await gateway.end('SIGTERM'), 0);
    const request = collector.one('query');
    assert.deepEqual([request.service, request.traceId], ['front', TRACE]);
    await collector.close();
    rmSync(folder, { recursive: true });
  });

  test('do no harm where the collector is away, which is logged', async () => {
    const { log, text } = recordingLog();
    const url = `http://127.0.0.1:${await freePort()}/v1/traces`;
    const gateway = await startTracedGateway({ subgraphs: shop(), url, log });
    for (let times = 0; times < 3; times++)
      assert.deepEqual((await post(gateway, QUERY, { traceparent: SAMPLED })).body.data, {
        good: { price: 5 },
      });
    await gateway.close();
    assert.match(text(), /not exported in time|cannot be exported/);
  });
});
