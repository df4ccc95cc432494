import { messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { backoffMs } from './backoff.ts';

export interface WorkLoopOptions {
  readonly name: string;
  /** `more`: call again at once. `idle`: wait for a wake-up or the poll. A step that throws is tried again with backoff. */
  readonly step: () => Promise<'more' | 'idle'>;
  /** Longest wait without a wake-up. */
  readonly pollMs: number;
  /** How long it waits after a wake-up for more of them: what comes close together is done in one step. 0 unless given. */
  readonly gatherMs?: number;
  readonly log: Log;
}

/** A worker that does one step after the other. Its owner calls `stop()`, which waits for the step under way. */
export class WorkLoop {
  readonly #options: WorkLoopOptions;
  readonly #stopping = new AbortController();
  #woken = false;
  #endIdling: () => void = () => undefined;
  #running: Promise<void> | null = null;

  constructor(options: WorkLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#work();
  }

  /** There is work: an idle worker takes its next step at once. A wake-up during a step is remembered. */
  wake(): void {
    this.#woken = true;
    this.#endIdling();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #work(): Promise<void> {
    const { name, step, pollMs, gatherMs = 0, log } = this.#options;
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      this.#woken = false;
      try {
        const outcome = await step();
        failures = 0;
        if (outcome === 'more') continue;
        if (!this.#woken) await this.#pause(pollMs, true);
        if (this.#woken && gatherMs > 0) await this.#pause(gatherMs, false);
      } catch (error) {
        failures += 1;
        log.warn({ worker: name, failures, reason: messageOf(error) }, 'worker step failed');
        // Not cut short by wake-ups: a busy writer must not turn a broken bus into a busy loop.
        await this.#pause(backoffMs(failures), false);
      }
    }
  }

  #pause(ms: number, endsWithWake: boolean): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#endIdling = () => undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end);
      if (signal.aborted) end();
      else if (endsWithWake) this.#endIdling = end;
    });
  }
}
