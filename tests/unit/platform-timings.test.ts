import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AggregatorRegistry, Histogram } from 'prom-client';
import { createMetrics, type Metrics } from '#platform/metrics.ts';
import { createTimings } from '#platform/timings.ts';
import { seededRandom } from '../support/random.ts';

const BUCKETS_S = [0.001, 0.0025, 0.01, 0.1, 1];
const OPTIONS = { name: 'test_duration_seconds', help: 'Of a test.', labelNames: ['subgraph'] } as const;

/** Values as numbers, since sums of the same numbers in another unit may differ in their last digit. */
async function textOf(metrics: Metrics): Promise<[string, number][]> {
  const lines = (await metrics.metrics()).split('\n').filter((line) => line.startsWith(OPTIONS.name));
  return lines.map((line) => {
    const [, series = '', value = ''] = /^(.*) (\S+)$/.exec(line) ?? [];
    return [series, Number(Number(value).toPrecision(9))];
  });
}

test("timings read as prom-client's own histogram does, in text and when they are added up [O04]", async (t) => {
  const seed = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`seed ${seed}, repeat with TEST_SEED`);
  const random = seededRandom(seed);
  const [own, theirs] = [createMetrics('test', 'off'), createMetrics('test', 'off')];
  for (const metrics of [own, theirs]) metrics.setDefaultLabels({ service: 'test' });
  const timings = createTimings(own, { ...OPTIONS, bucketsS: BUCKETS_S });
  const histogram = new Histogram({
    ...OPTIONS,
    labelNames: [...OPTIONS.labelNames],
    buckets: BUCKETS_S,
    registers: [theirs],
  });
  const edges = [0, ...BUCKETS_S.map((bound) => bound * 1_000), 5_000];
  for (const subgraph of ['user', 'chat'])
    for (const durationMs of [...edges, ...Array.from({ length: 500 }, () => 10 ** (random() * 6 - 2))]) {
      timings({ subgraph }).took(durationMs);
      histogram.observe({ subgraph }, durationMs / 1_000);
    }
  assert.deepEqual(await textOf(own), await textOf(theirs));
  const twice = async (metrics: Metrics) => {
    const figures = await metrics.getMetricsAsJSON();
    return textOf(AggregatorRegistry.aggregate([figures, figures]));
  };
  assert.deepEqual(await twice(own), await twice(theirs));
});
