import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AggregatorRegistry, Histogram } from 'prom-client';
import { createMetrics, type Metrics } from '#platform/metrics.ts';
import { createTimings } from '#platform/timings.ts';
import { seededRandom } from '../support/random.ts';

/** These and all durations are whole 1/1024 s, so that sums in seconds and in milliseconds are exact, and the same. */
const BUCKETS_S = [1 / 1024, 3 / 1024, 1 / 64, 1 / 8, 1];
const OPTIONS = { name: 'test_duration_seconds', help: 'Of a test.', labelNames: ['subgraph'] } as const;

const linesOf = async (metrics: Metrics) =>
  (await metrics.metrics()).split('\n').filter((line) => line.includes(OPTIONS.name));

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
  const others = () => Math.floor(2 ** (random() * 13)) / 1024;
  for (const subgraph of ['user', 'chat'])
    for (const seconds of [0, ...BUCKETS_S, ...Array.from({ length: 500 }, others)]) {
      timings({ subgraph }).took(seconds * 1_000);
      histogram.observe({ subgraph }, seconds);
    }
  assert.deepEqual(await linesOf(own), await linesOf(theirs));
  const twice = async (metrics: Metrics) => {
    const figures = await metrics.getMetricsAsJSON();
    return linesOf(AggregatorRegistry.aggregate([figures, figures]));
  };
  assert.deepEqual(await twice(own), await twice(theirs));
});
