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
const MIN_REPEAT_MS = 1_000;

/**
 * Settles as the answer does, or rejects where it takes too long, or `signal` ends it: a request over a connection that went dead without a word would never end. Whoever has
 * waited for long waits on, so that a platform that is slow is not asked ever more. Where the network is known to swallow things, `repeats`: then it is
 * asked again, and the first answer counts, because each request may be on the last connection of those that are dead.
 */
export async function inTime<T>(
  ask: () => Promise<T>,
  lostForMs: number,
  { repeats = false, signal }: { readonly repeats?: boolean; readonly signal?: AbortSignal } = {},
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const askOnce = () => void ask().then(resolve, reject);
  const deadlineMs = Math.min(MAX_DEADLINE_MS, Math.max(MIN_DEADLINE_MS, lostForMs));
  const deadline = setTimeout(() => reject(new Error('The platform does not answer.')), deadlineMs);
  const repeatMs = Math.min(MAX_MS, Math.max(MIN_REPEAT_MS, lostForMs * SHARE));
  const repetition = repeats ? setInterval(askOnce, repeatMs) : undefined;
  askOnce();
  signal?.addEventListener('abort', () => reject(signal.reason));
  try {
    return await promise;
  } finally {
    clearTimeout(deadline);
    clearInterval(repetition);
  }
}

const MIN_OPEN_MS = 1_500;
const MAX_OPEN_MS = 8_000;
/** Of an outage, as with what is waited between tries. */
const OPEN_SHARE = 1 / 4;

/**
 * How long a socket may take to open: a server to which many come at once lets them wait, and a host that is gone, or a network that `isSilent` because
 * it swallows everything, answers nothing at all.
 */
export const openDeadlineMs = (lostForMs: number, isSilent: boolean): number =>
  !isSilent ? MAX_OPEN_MS : Math.min(MAX_OPEN_MS, Math.max(MIN_OPEN_MS, lostForMs * OPEN_SHARE));

const MIN_PACE_MS = 2_000;
const MAX_PACE_MS = 30_000;

/** How often ICE is restarted on suspicion: at once, and where that does not help ever more seldom. */
export class RestartPace {
  #waitMs = 0;
  #lastMs = -Infinity;

  /** Whether it may be restarted now; then it counts as done. */
  take(nowMs: number): boolean {
    const sinceMs = nowMs - this.#lastMs;
    if (sinceMs < this.#waitMs) return false;
    // What has helped for so long does not count any more.
    if (sinceMs > 2 * this.#waitMs + MIN_PACE_MS) this.#waitMs = 0;
    this.#waitMs = Math.min(MAX_PACE_MS, Math.max(MIN_PACE_MS, this.#waitMs * 2));
    this.#lastMs = nowMs;
    return true;
  }
}
