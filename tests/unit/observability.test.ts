import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { createLog } from '#platform/log.ts';
import { createMetrics } from '#platform/metrics.ts';
import { createSubgraphMetrics } from '#platform/subgraph-metrics.ts';
import { createOtlpTracing } from '#platform/tracing/otlp-tracing.ts';
import { registerSpanMetrics } from '#platform/tracing/span-metrics.ts';
import { registerMediaMetrics } from '../../media-server/media-metrics.ts';
import { CHECKOUT } from '../support/platform-process.ts';
import { createFeed } from '../support/federation/feed.ts';
import { recordingLog, type RecordingLog } from '../support/recording-log.ts';
import { freePort } from '../support/servers.ts';
import { post } from './gateway/fake-gateway.ts';
import { startTracedGateway } from './gateway/traced-gateway.ts';

const doc = readFileSync(join(CHECKOUT, 'docs/observability.md'), 'utf8');
const section = (title: string) => doc.split(/^## /m).find((part) => part.startsWith(title)) ?? '';
/** Names in the first column of a section's tables. */
const firstColumn = (title: string) =>
  [...section(title).matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  );
const namesIn = (text: string) => [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name = '']) => name);

/** Registered where a process starts workers; whole processes are tested elsewhere. */
const workerMetrics = () =>
  globSync('gateway/workers/*.ts', { cwd: CHECKOUT }).flatMap((file) =>
    [...readFileSync(join(CHECKOUT, file), 'utf8').matchAll(/name: '(\w+)'/g)].map(([, name = '']) => name),
  );

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const POSTS = { query: 'query Posts($of: Int) { posts }', variables: { of: 7 } };
const line = z.looseObject({ msg: z.string(), level: z.string() });
const requestLines = ({ text }: RecordingLog) =>
  text()
    .split('\n')
    .filter((part) => part !== '')
    .map((part) => line.parse(JSON.parse(part)))
    .filter(({ msg }) => msg.startsWith('request answered'));

describe('docs/observability.md', () => {
  test('names every metric that the processes print, and no other', async () => {
    const url = `http://127.0.0.1:${await freePort()}/v1/traces`;
    const log = createLog('test', 'silent');
    const tracing = createOtlpTracing({ url, service: 'test', sampler: 'always_off', ratio: 1, log });
    const others = createMetrics('others');
    createSubgraphMetrics(others, 'user');
    registerSpanMetrics(others, tracing);
    const status = { serverId: 'media', workers: [], workerDeaths: 0, rooms: [] };
    registerMediaMetrics(
      others,
      () => ({ ...status, availability: { available: true } }),
      () => 0,
    );
    const gateway = await startTracedGateway({ subgraphs: createFeed().subgraphs });
    const printed = await (await fetch(`${gateway.url}/metrics`)).text();
    await gateway.close();
    await tracing.close();
    const names = new Set([...namesIn(printed), ...namesIn(await others.metrics()), ...workerMetrics()]);
    assert.deepEqual([...names].sort(), firstColumn('Metrics').sort());
  });

  test('names every attribute of a span', async () => {
    const gateway = await startTracedGateway({ subgraphs: createFeed().subgraphs });
    await post(gateway, POSTS, { traceparent: TRACEPARENT });
    await post(gateway, { query: '{ nothing }' }, { traceparent: TRACEPARENT });
    await gateway.close();
    const documented = new Set(firstColumn('Traces'));
    const { spans } = gateway.collector;
    const used = new Set(spans.flatMap(({ attributes }) => Object.keys(attributes)));
    assert.ok(used.size > 5);
    assert.deepEqual(
      [...used].filter((name) => !documented.has(name)),
      [],
    );
  });
});

describe('the log of requests', () => {
  const linesWith = async (LOG_REQUESTS: string) => {
    const recording = recordingLog();
    const env = { LOG_REQUESTS };
    const gateway = await startTracedGateway({ subgraphs: createFeed().subgraphs, env, log: recording.log });
    await post(gateway, { query: 'query Fine { __typename }' }, { traceparent: TRACEPARENT });
    await post(gateway, { query: 'query Wrong { nothing }' }, { 'x-correlation-id': 'request-12345' });
    await gateway.close();
    return requestLines(recording);
  };

  test('has those that failed, with what finds them elsewhere', async () => {
    const [only, ...others] = await linesWith('failed');
    assert.deepEqual(others, []);
    assert.ok(only);
    assert.equal(only.level, 'info');
    assert.equal(only['correlationId'], 'request-12345');
    assert.match(String(only['traceId']), /^[0-9a-f]{32}$/);
    assert.deepEqual(only['codes'], ['GRAPHQL_VALIDATION_FAILED']);
    assert.equal(only['operationName'], 'Wrong');
    assert.deepEqual([only['transport'], only['method'], only['status']], ['http', 'POST', 200]);
    const documented = new Set(firstColumn('Logs'));
    assert.deepEqual(
      Object.keys(only).filter((name) => !documented.has(name)),
      [],
    );
  });

  test('has all, or none, where that is asked for', async () => {
    const all = await linesWith('all');
    assert.deepEqual(
      all.map(({ msg, ...fields }) => [msg, fields['operationName']]),
      [
        ['request answered', 'Fine'],
        ['request answered with errors', 'Wrong'],
      ],
    );
    assert.equal(all[0]?.['traceId'], '0af7651916cd43dd8448eb211c80319c');
    assert.deepEqual(await linesWith('off'), []);
  });

  test('warns where the platform failed', async () => {
    const recording = recordingLog();
    const broken = {
      goods: {
        typeDefs: 'type Query { a: Int }',
        resolvers: {
          Query: {
            a: () => {
              throw new Error('broken');
            },
          },
        },
      },
    };
    const gateway = await startTracedGateway({ subgraphs: broken, log: recording.log });
    await post(gateway, { query: '{ a }' });
    await gateway.close();
    assert.deepEqual(
      requestLines(recording).map(({ level, codes }) => [level, codes]),
      [['warn', ['SUBGRAPH_ERROR']]],
    );
  });
});
