/** Why somebody was not let in. */
export type RefusalReason = 'queue-full' | 'queue-timeout';

export class AdmissionRefused extends Error {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason) {
    super(reason);
    this.name = 'AdmissionRefused';
    this.reason = reason;
  }
}

export interface AdmissionOptions {
  readonly maxConcurrent: number;
  /** Those who wait for a place; past this they are refused at once. */
  readonly maxQueued: number;
  readonly maxWaitMs: number;
  /** Told the length of the queue whenever it changes. */
  readonly onQueue?: (length: number) => void;
}

export interface Admission {
  /**
   * Resolves with the function that gives the place back, in the order of asking. Rejects with AdmissionRefused, or with the
   * reason of the signal where it aborts before there is a place.
   */
  enter(signal?: AbortSignal): Promise<() => void>;
}

interface Waiting {
  admit(): void;
}

/** A bounded number of places with a bounded queue before them. */
export function createAdmission(options: AdmissionOptions): Admission {
  const { maxConcurrent, maxQueued, maxWaitMs, onQueue } = options;
  const queue = new Set<Waiting>();
  let taken = 0;
  const leave = () => {
    const [next] = queue;
    if (next) next.admit();
    else taken -= 1;
  };
  const placeToLeave = () => {
    let isLeft = false;
    return () => {
      if (isLeft) return;
      isLeft = true;
      leave();
    };
  };
  const wait = (signal: AbortSignal | undefined) =>
    new Promise<() => void>((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        queue.delete(waiting);
        onQueue?.(queue.size);
      };
      // A place handed over by `leave` stays counted, so that nobody can slip in between.
      const waiting: Waiting = { admit: () => (settle(), resolve(placeToLeave())) };
      const onAbort = () => (settle(), reject(signal?.reason));
      const onTimeout = () => (settle(), reject(new AdmissionRefused('queue-timeout')));
      const timer = setTimeout(onTimeout, maxWaitMs);
      signal?.addEventListener('abort', onAbort, { once: true });
      queue.add(waiting);
      onQueue?.(queue.size);
    });
  return {
    async enter(signal) {
      signal?.throwIfAborted();
      if (taken < maxConcurrent) {
        taken += 1;
        return placeToLeave();
      }
      if (queue.size >= maxQueued) throw new AdmissionRefused('queue-full');
      return wait(signal);
    },
  };
}
