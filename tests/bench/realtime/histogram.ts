/** Counts values by bucket, so that a sample of any size takes the same memory. */
export interface Histogram {
  add(valueUs: number): void;
  readonly count: number;
  /** In ms: the value below which `share` of the values lie. */
  percentileMs(share: number): number;
}

const BUCKET_US = 100;
const BUCKETS = 600_000;

/** Up to a minute, by 0.1 ms. */
export function createHistogram(): Histogram {
  const buckets = new Uint32Array(BUCKETS);
  let count = 0;
  return {
    add(valueUs) {
      const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.floor(valueUs / BUCKET_US)));
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
      count += 1;
    },
    get count() {
      return count;
    },
    percentileMs(share) {
      let seen = 0;
      const wanted = share * count;
      for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
        seen += buckets[bucket] ?? 0;
        if (seen >= wanted && seen > 0) return ((bucket + 1) * BUCKET_US) / 1_000;
      }
      return Number.NaN;
    },
  };
}
