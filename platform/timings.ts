import { Histogram } from 'prom-client';
import type { Metrics } from './metrics.ts';

export interface TimingsOptions<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly L[];
  /** Upper bounds, in seconds, ascending. */
  readonly bucketsS: readonly number[];
}

type Labels<L extends string> = Readonly<Record<L, string>>;

/** One series of durations. */
export class Durations {
  readonly #boundsMs: readonly number[];
  /** How many fell into each bucket, those beyond the last bound at the end. */
  readonly counts: number[];
  sumMs = 0;

  constructor(bucketsS: readonly number[]) {
    this.#boundsMs = bucketsS.map((bound) => bound * 1_000);
    this.counts = Array.from({ length: bucketsS.length + 1 }, () => 0);
  }

  took(durationMs: number): void {
    const bounds = this.#boundsMs;
    let bucket = 0;
    while (durationMs > (bounds[bucket] ?? Infinity)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sumMs += durationMs;
  }
}

/** A histogram of durations for hot paths; what `createTally` is for counters, for the same reason. Equal labels give the same series. */
export function createTimings<L extends string = never>(
  registry: Metrics,
  options: TimingsOptions<L>,
): (labels: Labels<L>) => Durations {
  const histogram = new TimingsHistogram<L>(options);
  registry.registerMetric(histogram);
  return (labels) => histogram.series(labels);
}

interface Series<L extends string> {
  readonly labels: Labels<L>;
  readonly durations: Durations;
}

class TimingsHistogram<L extends string> extends Histogram<L> {
  readonly #options: TimingsOptions<L>;
  readonly #series = new Map<string, Series<L>>();

  constructor(options: TimingsOptions<L>) {
    const { name, help, labelNames = [], bucketsS } = options;
    super({ name, help, labelNames: [...labelNames], buckets: [...bucketsS], registers: [] });
    this.#options = options;
  }

  series(labels: Labels<L>): Durations {
    const { bucketsS, labelNames = [] } = this.#options;
    const key = JSON.stringify(labelNames.map((name) => labels[name]));
    let series = this.#series.get(key);
    if (!series) this.#series.set(key, (series = { labels, durations: new Durations(bucketsS) }));
    return series.durations;
  }

  /** What prom-client's own `get` and a registry's text are made of; its types do not tell. */
  getForPromString() {
    const { name, help } = this.#options;
    const values = [...this.#series.values()].flatMap((series) => this.#values(series));
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  }

  #values({ labels, durations: { counts, sumMs } }: Series<L>) {
    const { name, bucketsS } = this.#options;
    let count = 0;
    const value = (suffix: string, value: number, le?: number | string) => ({
      metricName: `${name}_${suffix}`,
      labels: le === undefined ? {} : { le },
      sharedLabels: labels,
      value,
    });
    const buckets = [...bucketsS, '+Inf'].map((le, bucket) =>
      value('bucket', (count += counts[bucket] ?? 0), le),
    );
    return [...buckets, value('sum', sumMs / 1_000), value('count', count)];
  }
}
