/** Thrown by `getGrant` where the platform says when it may be asked again. */
export class RetryLater extends Error {
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.name = 'RetryLater';
    this.retryAfterMs = retryAfterMs;
  }
}

const MIN_MS = 500;
const MAX_MS = 4_000;
/** A wait is at most this part of how long it has lasted already: whatever the outage, little is added to it. */
const SHARE = 1 / 8;

/**
 * How long to wait for the next try, where the connection has been lost for `lostForMs`: at most half a second in the first four, four seconds after
 * half a minute. Three quarters of it are random (`random` gives 0 to 1), so that a room does not return in one instant.
 */
export function retryDelayMs(lostForMs: number, error: unknown, random: () => number = Math.random): number {
  // The platform spreads those who wait; what is added keeps apart whom different processes of it told the same.
  if (error instanceof RetryLater) return error.retryAfterMs + random() * (MIN_MS / 2);
  const ceilingMs = Math.min(MAX_MS, Math.max(MIN_MS, lostForMs * SHARE));
  return ceilingMs * (0.25 + 0.75 * random());
}

const MIN_DEADLINE_MS = 2_000;
const MAX_DEADLINE_MS = 30_000;

/**
 * Settles as `answer` does, or rejects where it takes too long: a request over a connection that went dead without a word would never end. Whoever has
 * waited for long waits on, so that a platform that is slow is not asked ever more.
 */
export async function inTime<T>(answer: Promise<T>, lostForMs: number): Promise<T> {
  const deadlineMs = Math.min(MAX_DEADLINE_MS, Math.max(MIN_DEADLINE_MS, lostForMs));
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('The platform does not answer.')), deadlineMs);
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
