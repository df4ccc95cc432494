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

/** A bounded number of places with a bounded queue before them. Who has a place gives it back with `leave`, once. */
export class Admission {
  readonly #options: AdmissionOptions;
  /** Those who wait, in the order of asking. */
  readonly #queue = new Set<() => void>();
  #taken = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Takes a place where there is one. */
  tryEnter(): boolean {
    if (this.#taken >= this.#options.maxConcurrent) return false;
    this.#taken += 1;
    return true;
  }

  /**
   * Waits for a place, in the order of asking. Rejects with AdmissionRefused, or with the reason of the signal where it aborts before there
   * is one.
   */
  wait(signal: AbortSignal): Promise<void> {
    const { maxQueued, maxWaitMs, onQueue } = this.#options;
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#queue.size >= maxQueued) return Promise.reject(new AdmissionRefused('queue-full'));
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        this.#queue.delete(admit);
        onQueue?.(this.#queue.size);
      };
      const admit = () => (settle(), resolve());
      const onAbort = () => (settle(), reject(signal.reason));
      const onTimeout = () => (settle(), reject(new AdmissionRefused('queue-timeout')));
      const timer = setTimeout(onTimeout, maxWaitMs);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#queue.add(admit);
      onQueue?.(this.#queue.size);
    });
  }

  leave(): void {
    const [admit] = this.#queue;
    // A place that is handed over stays counted, so that nobody can slip in between.
    if (admit) admit();
    else this.#taken -= 1;
  }
}
