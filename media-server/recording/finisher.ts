import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '#platform/events/backoff.ts';
import type { DurableBus } from '#platform/events/ports.ts';
import type { FileStore } from '#platform/files/file-store.ts';
import type { Log } from '#platform/log.ts';
import type { RecordingProblem } from '#schema/media-bus.ts';
import type { Ffmpeg } from '../ffmpeg.ts';
import { createTurns } from '../worker-turns.ts';
import { finishTake } from './finish-take.ts';
import type { Take, TakeFolder } from './take-folder.ts';
import { createTakeReports, type TakeReports } from './take-report.ts';

export interface FinisherDeps {
  readonly ffmpeg: Ffmpeg;
  readonly files: FileStore;
  readonly durableBus: DurableBus;
  readonly log: Log;
}

/** When the server stops it waits this long for the file store and the durable bus. */
const CLOSE_DEADLINE_MS = 5_000;
/** Takes that are mixed and stored at once; two, so that a short one need not wait for a long one. After a crash there are as many as there were rooms. */
export const TAKES_AT_ONCE: number = Math.max(2, Math.floor(availableParallelism() / 2));

/** Stores and tells of takes that are over, and tries until both are done: only then their folder goes. */
export class Finisher {
  readonly #deps: FinisherDeps;
  readonly #reports: TakeReports;
  readonly #givingUp = new AbortController();
  readonly #working = new Set<Promise<void>>();
  readonly #inTurn = createTurns(TAKES_AT_ONCE);

  constructor(deps: FinisherDeps) {
    this.#deps = deps;
    this.#reports = createTakeReports({ ...deps, signal: this.#givingUp.signal });
  }

  /** What the bus does not accept in time is told again with the files. */
  tellBegun(take: Take): void {
    this.#work(this.#reports.started(take));
  }

  /** Of a take that could not even be begun. */
  tellFailed(take: Take, problem: RecordingProblem): void {
    const tell = async () => {
      await this.#reports.started(take);
      await this.#reports.failed(take, problem);
      await this.#reports.finished(take, { durationMs: 0, problem, files: [] });
    };
    this.#work(tell());
  }

  /** `stopped`: when the files are whole. A problem is told at once, the files when they are stored. */
  finish(
    folder: TakeFolder,
    { stopped, problem }: { stopped: Promise<void>; problem: RecordingProblem | null } = LEFT_BEHIND,
  ): void {
    const run = async () => {
      try {
        if (problem) await this.#reports.failed(folder.take, problem);
        await stopped;
        await this.#storeAndTell(folder, problem);
      } catch {
        folder.release();
      }
    };
    this.#work(run());
  }

  async close(): Promise<void> {
    const timer = setTimeout(() => this.#givingUp.abort(), CLOSE_DEADLINE_MS);
    await Promise.all(this.#working);
    clearTimeout(timer);
    this.#givingUp.abort();
  }

  #work(work: Promise<void>): void {
    const settled = work.catch(() => undefined).finally(() => this.#working.delete(settled));
    this.#working.add(settled);
  }

  /** Rejects once it is given up. */
  async #storeAndTell(folder: TakeFolder, problem: RecordingProblem | null): Promise<void> {
    const { signal } = this.#givingUp;
    const { takeId } = folder.take;
    for (let failures = 1; ; failures++) {
      signal.throwIfAborted();
      try {
        const finished = await this.#inTurn(async () => {
          signal.throwIfAborted();
          return finishTake(folder, problem, { ...this.#deps, signal });
        });
        await this.#reports.started(folder.take);
        await this.#reports.finished(folder.take, finished);
        return await folder.remove();
      } catch (error) {
        this.#deps.log.warn({ err: error, takeId, failures }, 'a recording is not stored yet');
        await delay(backoffMs(failures), null, { signal });
      }
    }
  }
}

const LEFT_BEHIND = { stopped: Promise.resolve(), problem: null };
