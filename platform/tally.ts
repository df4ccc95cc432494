import { Counter } from 'prom-client';
import type { Metrics } from './metrics.ts';

/** One series of a tally. */
export interface Series {
  count: number;
}

type Labels<L extends string> = Readonly<Record<L, string | number>>;

/**
 * A counter for hot paths. prom-client finds a series by its labels at every increment, also through `labels()`, which costs more than what is
 * counted; here a series is a number that its owner keeps and adds to, and prom-client gets the sums when somebody asks for them.
 */
export function createTally<L extends string>(
  registry: Metrics,
  name: string,
  help: string,
  labelNames: readonly L[],
): (labels: Labels<L>) => Series {
  const all: { readonly labels: Labels<L>; readonly series: Series }[] = [];
  const counter = new Counter<L>({
    name,
    help,
    labelNames: [...labelNames],
    registers: [],
    collect() {
      this.reset();
      for (const { labels, series } of all) this.inc({ ...labels }, series.count);
    },
  });
  registry.registerMetric(counter);
  return (labels) => {
    const series = { count: 0 };
    all.push({ labels, series });
    return series;
  };
}
