import { setTimeout as delay } from 'node:timers/promises';
import { createWorker, setLogEventListeners, type types } from 'mediasoup';
import { messageOf } from '#platform/errors.ts';
import { backoffMs } from '#platform/events/backoff.ts';
import type { Log } from '#platform/log.ts';
import type { MediaListen } from './deps.ts';
import { udpListening } from './udp-listening.ts';
import { createTurns, type InTurn } from './worker-turns.ts';

/** One mediasoup process with its listening ports. */
export interface MediaWorker {
  readonly worker: types.Worker;
  readonly webRtcServer: types.WebRtcServer;
  /** For what costs it time: to set up transports and consumers. */
  readonly inTurn: InTurn;
  /** Rooms that it hosts now; the least busy one gets the next. */
  rooms: number;
}

/**
 * Requests that a worker is given at the same time. It carries out all that have arrived before it looks at audio again, at some 0.1 ms each: when
 * a thousand people come at once, all its rooms would be silent for as long as they take together.
 */
export const SET_UPS_AT_ONCE = 8;

export interface WorkerPoolOptions {
  readonly workerBin: string;
  readonly count: number;
  readonly listen: MediaListen;
  readonly log: Log;
  /** Called once for each worker that died, after everything on it was closed. A replacement is on its way. */
  readonly onDied: (worker: MediaWorker) => void;
}

/**
 * Keeps `count` workers alive. A worker that dies, or does not start, is replaced with backoff.
 * Closing the pool closes every worker, and with it every router, transport, producer and consumer.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #alive = new Set<MediaWorker>();
  readonly #closing = new AbortController();
  #waiting: (() => void)[] = [];
  #deaths = 0;
  #lastProblem: string | null = null;

  private constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** Resolves once every worker has started or failed for the first time. Never rejects: `problem` tells. */
  static async create(options: WorkerPoolOptions): Promise<WorkerPool> {
    forwardLogs(options.log);
    const pool = new WorkerPool(options);
    await Promise.all(Array.from({ length: options.count }, () => pool.#start(0)));
    return pool;
  }

  /** Why there is no worker at all now, or null while there is one. */
  get problem(): string | null {
    if (this.#alive.size > 0) return null;
    return this.#lastProblem ?? 'No media worker is running.';
  }

  get workers(): readonly MediaWorker[] {
    return [...this.#alive];
  }

  /** Workers that died since the start. */
  get deaths(): number {
    return this.#deaths;
  }

  /** The least busy worker; waits for one to start. Rejects when `signal` is aborted or the pool closes. */
  async acquire(signal: AbortSignal): Promise<MediaWorker> {
    for (;;) {
      AbortSignal.any([signal, this.#closing.signal]).throwIfAborted();
      const [best] = this.workers.toSorted((a, b) => a.rooms - b.rooms);
      if (best) return best;
      await this.#nextChange(signal);
    }
  }

  /** The least busy worker that is not among `taken`, or null. */
  findSpare(taken: ReadonlySet<MediaWorker>): MediaWorker | null {
    const spare = this.workers.filter((one) => !taken.has(one));
    return spare.toSorted((a, b) => a.rooms - b.rooms)[0] ?? null;
  }

  #nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  async #start(failures: number): Promise<void> {
    try {
      const started = await startWorker(this.#options);
      if (this.#closing.signal.aborted) {
        started.worker.close();
        return;
      }
      this.#add(started);
    } catch (error) {
      this.#lastProblem = `The media worker does not start: ${messageOf(error)}`;
      this.#options.log.error({ err: error }, 'media worker does not start');
      void this.#startLater(failures + 1);
    }
  }

  async #startLater(failures: number): Promise<void> {
    const waited = await delay(backoffMs(failures), true, { signal: this.#closing.signal }).catch(
      () => false,
    );
    if (waited) await this.#start(failures);
  }

  #add(started: MediaWorker): void {
    const { worker } = started;
    this.#alive.add(started);
    this.#lastProblem = null;
    worker.once('died', (error) => this.#died(started, error));
    this.#options.log.info({ pid: worker.pid }, 'media worker started');
    this.#wake();
  }

  #died(dead: MediaWorker, error: Error): void {
    this.#alive.delete(dead);
    this.#deaths++;
    this.#lastProblem = 'The media worker died and is being replaced.';
    this.#options.log.error({ pid: dead.worker.pid, err: error }, 'media worker died');
    void this.#startLater(1);
    this.#options.onDied(dead);
  }

  close(): void {
    this.#closing.abort(new Error('The worker pool is closed.'));
    for (const { worker } of this.#alive) worker.close();
    this.#alive.clear();
    this.#wake();
  }
}

// mediasoup catches what listeners throw, and tells only its log. There is one for the whole process.
function forwardLogs(log: Log): void {
  setLogEventListeners({
    onwarn: (namespace, message) => log.warn({ namespace }, message),
    onerror: (namespace, message, error) => log.error({ namespace, err: error }, message),
  });
}

async function startWorker({ workerBin, listen }: WorkerPoolOptions): Promise<MediaWorker> {
  const worker = await createWorker({ workerBin, logLevel: 'warn' });
  try {
    const webRtcServer = await worker.createWebRtcServer({ listenInfos: listenInfos(listen) });
    return { worker, webRtcServer, inTurn: createTurns(SET_UPS_AT_ONCE), rooms: 0 };
  } catch (error) {
    worker.close();
    throw error;
  }
}

function listenInfos({ ip, announcedAddress, minPort, maxPort }: MediaListen): types.TransportListenInfo[] {
  const where = { ip, announcedAddress, portRange: { min: minPort, max: maxPort } };
  return [udpListening(where), { ...where, protocol: 'tcp' }];
}
