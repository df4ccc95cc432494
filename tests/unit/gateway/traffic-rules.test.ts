import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMetrics } from '#platform/metrics.ts';
import { isResultStream, type ResultStream } from '#platform/subgraph-endpoint.ts';
import { parseConfig } from '../../../gateway/config.ts';
import { selectedHeaders, subgraphSettings } from '../../../gateway/config-subgraphs.ts';
import type { SubgraphClient } from '../../../gateway/engine/client/subgraph-client.ts';
import { createResultStream } from '../../../gateway/engine/result-stream.ts';
import { createTrafficMetrics } from '../../../gateway/traffic/metrics.ts';
import { withTraffic } from '../../../gateway/traffic/subgraph-traffic.ts';
import { fetchOf, sends, startScriptedSubgraph } from './scripted-subgraph.ts';

const subgraph = await startScriptedSubgraph();

function clientOf(yaml: string, isProduction = false, client: SubgraphClient = subgraph.client) {
  const config = parseConfig(yaml, 'test.yaml');
  const registry = createMetrics('gateway');
  const traffic = withTraffic(client, {
    name: 'goods',
    settings: subgraphSettings(config, 'goods', isProduction),
    selectedHeaders: selectedHeaders(config, ['user-agent']),
    metrics: createTrafficMetrics(registry).of('goods'),
  });
  return { client: traffic, registry };
}

const RULES = `
subgraphs:
  all: { headers: { forward: [X-All], set: { x-everywhere: "1" } } }
  goods: { headers: { forward: [x-tenant], rename: { X-Client: x-app }, set: { x-key: k }, strip: [user-agent] } }
  other: { headers: { forward: [x-other] } }
`;

describe('header rules', () => {
  const HEADERS = {
    'x-veza-viewer': 'ada',
    'user-agent': 'u',
    'x-tenant': 't',
    'x-client': 'c',
    'x-other': 'o',
    'x-all': 'a',
  };

  test('forward, rename, set and strip, and give a subgraph nothing that was meant for another', async () => {
    const { client } = clientOf(RULES);
    subgraph.answerWith(sends('{"data":{"a":1}}'));
    const arrived = subgraph.nextRequest();
    await client.fetch(fetchOf({ headers: HEADERS }));
    const { headers } = await arrived;
    const sent = Object.entries(headers).filter(([name]) => name.startsWith('x-') || name === 'user-agent');
    assert.deepEqual(Object.fromEntries(sent), {
      'x-veza-viewer': 'ada',
      'x-tenant': 't',
      'x-app': 'c',
      'x-key': 'k',
    });
  });

  test('run before dedup, which therefore sees what is really sent', async () => {
    const { client, registry } = clientOf('subgraphs: { goods: { headers: { strip: [user-agent] } } }');
    subgraph.requests.length = 0;
    await Promise.all(
      ['one', 'two'].map((agent) => client.fetch(fetchOf({ headers: { 'user-agent': agent } }))),
    );
    assert.equal(subgraph.requests.length, 1);
    assert.match(await registry.metrics(), /gateway_subgraph_dedup_hits_total\{subgraph="goods",.*\} 1/);
  });
});

describe('errors of subgraphs', () => {
  const answer = JSON.stringify({
    data: { a: null },
    errors: [
      {
        message: 'relation "users" does not exist',
        path: ['a'],
        extensions: { code: 'DB', query: 'select' },
      },
      { message: 'Too long.', path: ['a'], extensions: { code: 'BAD_USER_INPUT', field: 'title' } },
      { message: 'at 10.0.0.7' },
    ],
  });
  const ask = async (yaml: string, isProduction: boolean) => {
    subgraph.answerWith(sends(answer));
    return (await clientOf(yaml, isProduction).client.fetch(fetchOf())).errors;
  };
  const masked = 'The subgraph goods answered with an error.';

  test('are masked in production but for their code and place, except those that are allowed', async () => {
    assert.deepEqual(await ask('subgraphs: { goods: { errors: { allow: [BAD_USER_INPUT] } } }', true), [
      { message: masked, path: ['a'], extensions: { code: 'DB' } },
      { message: 'Too long.', path: ['a'], extensions: { code: 'BAD_USER_INPUT', field: 'title' } },
      { message: masked },
    ]);
    assert.deepEqual(
      (await ask('', true))?.map(({ message }) => message),
      [masked, masked, masked],
    );
  });

  test('are shown elsewhere, and wherever the file says so', async () => {
    const whole = JSON.parse(answer).errors;
    assert.deepEqual(await ask('', false), whole);
    assert.deepEqual(await ask('subgraphs: { all: { errors: { mask: false } } }', true), whole);
    assert.equal((await ask('subgraphs: { all: { errors: { mask: true } } }', false))?.[0]?.message, masked);
  });

  test('are masked in events and refusals of subscriptions as well', async () => {
    const events = [{ data: null, errors: [{ message: 'secret' }] }];
    const stream = (): ResultStream =>
      createResultStream(
        async () => (events[0] ? { value: events.shift()! } : { value: undefined, done: true }),
        async () => undefined,
        new AbortController().signal,
      );
    const source: SubgraphClient = { ...subgraph.client, subscribe: async () => stream() };
    const answered = await clientOf('', true, source).client.subscribe(fetchOf());
    assert.ok(isResultStream(answered));
    const seen: unknown[] = [];
    for await (const event of answered) seen.push(event);
    assert.deepEqual(seen, [{ data: null, errors: [{ message: masked }] }]);
    const refusing: SubgraphClient = {
      ...source,
      subscribe: async () => ({ errors: [{ message: 'secret' }] }),
    };
    assert.deepEqual(await clientOf('', true, refusing).client.subscribe(fetchOf()), {
      errors: [{ message: masked }],
    });
  });

  test('are counted by code, those of transport and of fetches in vain included', async () => {
    const { client, registry } = clientOf('subgraphs: { all: { retries: { baseDelayMs: 0 } } }');
    subgraph.answerWith(sends(answer));
    await client.fetch(fetchOf());
    subgraph.answerWith(sends('', 503));
    await assert.rejects(client.fetch(fetchOf()));
    const figures = await registry.metrics();
    const lines = [
      'errors_total{subgraph="goods",code="BAD_USER_INPUT",service="gateway"} 1',
      'errors_total{subgraph="goods",code="OTHER",service="gateway"} 2',
      'errors_total{subgraph="goods",code="SUBGRAPH_UNAVAILABLE",service="gateway"} 1',
      'retries_total{subgraph="goods",service="gateway"} 2',
      'fetch_duration_seconds_count{service="gateway",subgraph="goods"} 4',
      'breaker_state{subgraph="goods",service="gateway"} 0',
      'queue_length{subgraph="goods",service="gateway"} 0',
    ];
    for (const line of lines)
      assert.ok(figures.includes(`gateway_subgraph_${line}\n`), `${line}\n${figures}`);
  });
});
