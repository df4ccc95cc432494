/** Allows bursts of `capacity`, and `perSecond` in the long run. */
export interface TokenBucket {
  readonly capacity: number;
  readonly perSecond: number;
  readonly tokens: number;
  readonly updatedAtMs: number;
}

export const fullBucket = (capacity: number, perSecond: number, nowMs: number): TokenBucket => ({
  capacity,
  perSecond,
  tokens: capacity,
  updatedAtMs: nowMs,
});

/** The bucket after one attempt; `waitMs` is 0 where it was allowed, else the time until the next one would be. */
export function takeToken(bucket: TokenBucket, nowMs: number): { bucket: TokenBucket; waitMs: number } {
  const { capacity, perSecond } = bucket;
  const elapsedMs = Math.max(0, nowMs - bucket.updatedAtMs);
  const available = Math.min(capacity, bucket.tokens + (elapsedMs / 1_000) * perSecond);
  const allowed = available >= 1;
  return {
    bucket: { ...bucket, tokens: allowed ? available - 1 : available, updatedAtMs: nowMs },
    waitMs: allowed ? 0 : Math.ceil(((1 - available) / perSecond) * 1_000),
  };
}
