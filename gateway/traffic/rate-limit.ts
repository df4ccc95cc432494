/** Tokens that come at a steady rate and are saved up to `burst`. */
export interface Rate {
  readonly perS: number;
  readonly burst: number;
}

/** A token bucket for each key. */
export interface RateLimit {
  /** Takes one token: 0, or where there is none, the milliseconds until there is. */
  take(key: string): number;
}

/** So many buckets that are full again are dropped with every token that is taken: more than a taker can add. */
const DROPPED_AT_ONCE = 2;

/** Only buckets that are not full are kept. */
export function createRateLimit({ perS, burst }: Rate, now = () => performance.now()): RateLimit {
  const everyMs = 1_000 / perS;
  /** Key → when its bucket will be full again. That of the one used last is last. */
  const fullAtMs = new Map<string, number>();
  const dropFull = (nowMs: number) => {
    let left = DROPPED_AT_ONCE;
    for (const [key, atMs] of fullAtMs) {
      if (atMs > nowMs || left === 0) return;
      left -= 1;
      fullAtMs.delete(key);
    }
  };
  return {
    take(key) {
      const nowMs = now();
      dropFull(nowMs);
      const nextFullAtMs = Math.max(fullAtMs.get(key) ?? 0, nowMs) + everyMs;
      const missingMs = nextFullAtMs - nowMs - burst * everyMs;
      // What is left of a rounding error is no token that is missing.
      if (missingMs > 1e-6) return missingMs;
      fullAtMs.delete(key);
      fullAtMs.set(key, nextFullAtMs);
      return 0;
    },
  };
}
