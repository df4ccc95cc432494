import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '#platform/log.ts';
import type { Engine } from '../engine/engine.ts';
import type { GatewaySettings } from '../settings.ts';
import type { WorkerProcess } from './worker-process.ts';

export interface PoolOptions {
  readonly settings: GatewaySettings;
  readonly supergraphSdl: string;
  /** Where workers listen for each other. */
  readonly folder: string;
  readonly fork: () => WorkerProcess;
  readonly log: Log;
  /** A worker that had served ended, unasked. */
  readonly onLost: (worker: WorkerProcess) => void;
  /** None serves any more, and none can be started. */
  readonly onExhausted: (error: unknown) => void;
}

const MAX_RESTART_DELAY_MS = 10_000;
/** Whoever lives as long as this did not die of its start. */
const STABLE_MS = 60_000;
/** With no worker left, somebody else has to mend what keeps the next one from starting. */
const MAX_FAILED_STARTS = 3;

/** The first one is replaced at once, for its load is on the others; one that keeps dying must not cost them their cores. */
export const restartDelayMs = (deaths: number) =>
  deaths === 0 ? 0 : Math.min(100 * 2 ** (deaths - 1), MAX_RESTART_DELAY_MS);

/** Workers that serve the same, GATEWAY_WORKERS of them. As an engine it is what all of them serve. */
export class WorkerPool implements Pick<Engine, 'swap' | 'supergraphSdl'> {
  readonly #options: PoolOptions;
  readonly #running = new Set<WorkerProcess>();
  readonly #serving = new Map<number, WorkerProcess>();
  #supergraphSdl: string;
  #deaths = 0;
  #isClosing = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#supergraphSdl = options.supergraphSdl;
  }

  get supergraphSdl(): string {
    return this.#supergraphSdl;
  }

  get serving(): readonly WorkerProcess[] {
    return [...this.#serving.values()];
  }

  /** Resolves once all of them serve. Rejects with the first reason why one cannot; all are killed then. */
  async start(): Promise<void> {
    const { GATEWAY_WORKERS: length } = this.#options.settings;
    try {
      await Promise.all(Array.from({ length }, (_, slot) => this.#launch(slot)));
    } catch (error) {
      this.kill();
      throw error;
    }
  }

  async swap(supergraphSdl: string): Promise<void> {
    // One tries it first: a supergraph that is refused, or that its worker does not survive, reaches no other.
    const [first, ...others] = this.serving;
    if (!first) throw new Error('No worker serves.');
    await first.channel.call('swap', supergraphSdl);
    this.#supergraphSdl = supergraphSdl;
    // Whoever ends on the way is replaced by one with this supergraph.
    await Promise.allSettled(others.map(({ channel }) => channel.call('swap', supergraphSdl)));
  }

  /** Ends all of them in order. Rejects where one of them ends in another way. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const ends = await Promise.all([...this.#running].map(endOf));
    const failed = ends.find(({ isInOrder }) => !isInOrder);
    if (failed) throw new Error(`A worker ended with ${failed.description}.`);
  }

  /** Ends all of them at once. */
  kill(): void {
    this.#isClosing = true;
    for (const worker of this.#running) worker.kill();
  }

  async #launch(slot: number): Promise<void> {
    const worker = this.#options.fork();
    this.#running.add(worker);
    void worker.ended.then(() => this.#running.delete(worker));
    try {
      await worker.greeted;
      const { settings, folder } = this.#options;
      let supergraphSdl = this.#supergraphSdl;
      await worker.channel.call('start', { slot, folder, settings, supergraphSdl });
      // Another one may have come meanwhile.
      while (supergraphSdl !== this.#supergraphSdl) {
        supergraphSdl = this.#supergraphSdl;
        await worker.channel.call('swap', supergraphSdl);
      }
    } catch (error) {
      worker.kill();
      throw error;
    }
    this.#serving.set(slot, worker);
    void this.#replaceAtEnd(slot, worker);
  }

  async #replaceAtEnd(slot: number, worker: WorkerProcess): Promise<void> {
    const startedAtMs = performance.now();
    const { description } = await worker.ended;
    this.#serving.delete(slot);
    if (this.#isClosing) return;
    const { log, onLost } = this.#options;
    log.error({ worker: slot, pid: worker.pid, end: description }, 'worker ended, another one follows');
    onLost(worker);
    if (performance.now() - startedAtMs >= STABLE_MS) this.#deaths = 0;
    await this.#relaunch(slot);
  }

  async #relaunch(slot: number, failures = 0): Promise<void> {
    const { log, onExhausted } = this.#options;
    await pause(restartDelayMs(this.#deaths++));
    if (this.#isClosing) return;
    try {
      await this.#launch(slot);
    } catch (error) {
      if (this.#isClosing) return;
      log.error({ err: error, worker: slot }, 'worker could not be started');
      if (this.#serving.size === 0 && failures + 1 >= MAX_FAILED_STARTS) onExhausted(error);
      await this.#relaunch(slot, failures + 1);
    }
  }
}

function endOf({ channel, ended }: WorkerProcess) {
  channel.call('stop').catch(() => undefined);
  return ended;
}
