/** So many may be inside at the same time; the others wait, in the order of asking, for as long as it takes. */
export class Gate {
  readonly #max: number;
  readonly #waiting = new Set<() => void>();
  #inside = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Rejects with the signal's reason where it aborts before there is a place. Who came in goes out by `leave`, once. */
  enter(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#inside < this.#max) {
      this.#inside += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const settle = () => {
        signal.removeEventListener('abort', onAbort);
        this.#waiting.delete(admit);
      };
      const admit = () => (settle(), resolve());
      const onAbort = () => (settle(), reject(signal.reason));
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(admit);
    });
  }

  leave(): void {
    const [admit] = this.#waiting;
    if (admit) admit();
    else this.#inside -= 1;
  }
}
