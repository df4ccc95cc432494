import type { Log } from '#platform/log.ts';
import type { RoomSpan } from './mesh/room-span.ts';
import type { RoomOwner } from './room-owner.ts';
import { Room } from './room.ts';
import { RoomRouters, type RoomRoutersOptions } from './routing/room-routers.ts';
import { SignallingError } from './signalling/signalling-error.ts';
import type { MediaWorker } from './workers.ts';

/** How long somebody who enters waits for a worker. */
const PLACEMENT_DEADLINE_MS = 5_000;

export interface RoomsOptions extends RoomRoutersOptions {
  /** What joins a room to the same room on other servers; null where there are none. */
  readonly span: (room: Room) => RoomSpan | null;
  readonly owner: Omit<RoomOwner, 'onEmpty'>;
  readonly emptyRoomGraceMs: number;
  readonly resumeWindowMs: number;
  readonly log: Log;
}

interface Entry {
  readonly room: Room;
  /** Settles when the room has a router. Everybody who enters meanwhile waits for the same promise: one room, however many come at once. */
  placed: Promise<void>;
  entering: number;
  timer: NodeJS.Timeout | null;
}

/**
 * All rooms of this server. A room is created by its first participant and closed a while after its last one; when its last worker dies it moves to
 * another.
 */
export class Rooms {
  readonly #options: RoomsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #closing = new AbortController();

  constructor(options: RoomsOptions) {
    this.#options = options;
  }

  get all(): readonly Room[] {
    return [...this.#entries.values()].map(({ room }) => room);
  }

  find(liveRoomId: string): Room | null {
    return this.#entries.get(liveRoomId)?.room ?? null;
  }

  /** Calls `enter` in the same turn in which the room is known to be open and placed; it is not closed for want of people before that is done. Rejects where no worker is to be had. */
  async withRoom<T>(liveRoomId: string, enter: (room: Room) => Promise<T>): Promise<T> {
    const entry = this.#entries.get(liveRoomId) ?? this.#create(liveRoomId);
    entry.entering++;
    try {
      await entry.placed;
      if (entry.room.closed) throw unavailable();
      return await enter(entry.room);
    } finally {
      entry.entering--;
    }
  }

  #create(liveRoomId: string): Entry {
    const owner: RoomOwner = { ...this.#options.owner, onEmpty: () => this.#closeLater(entry) };
    const room = new Room(liveRoomId, owner, new RoomRouters(this.#options), this.#options);
    const entry: Entry = { room, placed: Promise.resolve(), entering: 0, timer: null };
    this.#entries.set(liveRoomId, entry);
    this.#closeLater(entry);
    const deadline = AbortSignal.any([AbortSignal.timeout(PLACEMENT_DEADLINE_MS), this.#closing.signal]);
    entry.placed = this.#open(room, deadline).catch((error: unknown) => {
      this.#remove(entry, 'SERVER_SHUTDOWN');
      throw error;
    });
    return entry;
  }

  async #open(room: Room, signal: AbortSignal): Promise<void> {
    await room.open(signal);
    const span = room.closed ? null : this.#options.span(room);
    if (span) await room.joinOthers(span);
  }

  /** Moves what rooms had on a dead worker. Called after mediasoup has closed everything on it. */
  onWorkerDied(dead: MediaWorker): void {
    for (const entry of this.#entries.values()) {
      if (!entry.room.loseWorker(dead)) continue;
      entry.placed = entry.room.open(this.#closing.signal);
      entry.placed.catch((error: unknown) => this.#options.log.warn({ err: error }, 'room was not moved'));
    }
  }

  end(liveRoomId: string): void {
    const entry = this.#entries.get(liveRoomId);
    if (entry) this.#remove(entry, 'ROOM_ENDED');
  }

  #closeLater(entry: Entry): void {
    if (entry.timer) clearTimeout(entry.timer);
    entry.timer = setTimeout(() => {
      if (!entry.room.empty) return;
      if (entry.entering > 0) this.#closeLater(entry);
      else this.#remove(entry, 'ROOM_ENDED');
    }, this.#options.emptyRoomGraceMs);
    entry.timer.unref();
  }

  #remove(entry: Entry, reason: 'ROOM_ENDED' | 'SERVER_SHUTDOWN'): void {
    if (entry.timer) clearTimeout(entry.timer);
    if (this.#entries.get(entry.room.id) === entry) this.#entries.delete(entry.room.id);
    entry.room.close(reason);
  }

  close(): void {
    this.#closing.abort();
    for (const entry of this.#entries.values()) this.#remove(entry, 'SERVER_SHUTDOWN');
  }
}

const unavailable = () => new SignallingError('MEDIA_UNAVAILABLE', 'No media worker is available now.');
