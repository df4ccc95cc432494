import { errors } from 'mediasoup';
import { SignallingError } from '../signalling/signalling-error.ts';
import type { MediaWorker, WorkerPool } from '../workers.ts';
import { createRoomRouter, type RoomRouter } from './room-router.ts';

export interface RoomRoutersOptions {
  /** Null while the server starts, and where there is no worker. */
  readonly findPool: () => WorkerPool | null;
  /** A router that feeds as many gets no further peer while another worker is free of the room. */
  readonly maxConsumersPerRouter: number;
}

/**
 * The routers of one room on this server, each on a worker of its own. The first is the room's home: there its levels are measured, and there audio
 * of other servers comes in. Further ones are opened for peers that the others are too busy for, and closed with their last peer.
 */
export class RoomRouters {
  readonly #options: RoomRoutersOptions;
  #open: RoomRouter[] = [];
  #growing: Promise<boolean> | null = null;
  #closed = false;

  constructor(options: RoomRoutersOptions) {
    this.#options = options;
  }

  get home(): RoomRouter | null {
    return this.#open[0] ?? null;
  }

  get all(): readonly RoomRouter[] {
    return this.#open;
  }

  /** Opens the home; waits for a worker until `signal` is aborted. Rejects with MEDIA_UNAVAILABLE. */
  async openHome(signal: AbortSignal): Promise<RoomRouter> {
    for (;;) {
      const host = await this.#options
        .findPool()
        ?.acquire(signal)
        .catch(() => null);
      if (!host || this.#closed) throw unavailable();
      const opened = await this.#add(host);
      if (opened) return opened;
    }
  }

  /**
   * Takes a seat on the router that is least busy, for a peer that is going to hear `streams` streams; `leave` gives it back. Throws
   * MEDIA_UNAVAILABLE while the room has no router.
   */
  async seat(streams: number): Promise<RoomRouter> {
    for (;;) {
      const best = this.#leastBusy();
      const isFull = (best.seats + 1) * Math.max(1, streams) > this.#options.maxConsumersPerRouter;
      // Many who come at once wait for the same further router.
      const grown = isFull && (await this.#growOnce());
      if (grown) continue;
      const place = this.#leastBusy();
      place.seats++;
      return place;
    }
  }

  leave(place: RoomRouter): void {
    place.seats--;
    if (place.seats > 0 || place === this.home) return;
    this.#open = this.#open.filter((one) => one !== place);
    place.router.close();
  }

  /** Forgets the router on a dead worker; null where there was none. */
  lose(dead: MediaWorker): RoomRouter | null {
    const lost = this.#open.find(({ host }) => host === dead) ?? null;
    this.#open = this.#open.filter((one) => one !== lost);
    return lost;
  }

  close(): void {
    this.#closed = true;
    for (const { router } of this.#open) router.close();
    this.#open = [];
  }

  #leastBusy(): RoomRouter {
    const [best] = this.#open.toSorted((a, b) => a.seats - b.seats);
    if (best) return best;
    throw unavailable();
  }

  #growOnce(): Promise<boolean> {
    this.#growing ??= this.#grow().finally(() => (this.#growing = null));
    return this.#growing;
  }

  async #grow(): Promise<boolean> {
    const taken = new Set(this.#open.map(({ host }) => host));
    const host = this.#options.findPool()?.findSpare(taken) ?? null;
    return host !== null && (await this.#add(host)) !== null;
  }

  // A worker that dies while it gets the room is no reason to fail: another one is tried.
  async #add(host: MediaWorker): Promise<RoomRouter | null> {
    try {
      const added = await createRoomRouter(host);
      // Lost or closed while its answer was on its way.
      if (added.router.closed || this.#closed) {
        added.router.close();
        return null;
      }
      // A home and a further router may have been opened at the same time: streams keep their ids, so there must be one on each worker.
      const twin = this.#open.find((one) => one.host === host);
      if (!twin) this.#open.push(added);
      else added.router.close();
      return twin ?? added;
    } catch (error) {
      if (error instanceof errors.WorkerClosedError) return null;
      throw error;
    }
  }
}

const unavailable = () => new SignallingError('MEDIA_UNAVAILABLE', 'No media worker is available now.');
