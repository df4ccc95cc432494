import type { Log } from '#platform/log.ts';
import type { HeldPlaces, PlaceKind, RoomDirectory } from './room-directory.ts';

export interface RoomEntryOptions {
  readonly liveRoomId: string;
  readonly serverId: string;
  readonly directory: RoomDirectory;
  /** A host that has not renewed its entry for this long is forgotten. */
  readonly ttlMs: number;
  /** Places of people on this server. */
  readonly held: () => HeldPlaces;
  readonly log: Log;
}

/** What the directory knows of one room through this server. */
export class RoomEntry {
  readonly #options: RoomEntryOptions;

  constructor(options: RoomEntryOptions) {
    this.#options = options;
  }

  /** Ids of all hosts, the longest first. Rejects where the directory is away. */
  renew(): Promise<readonly string[]> {
    const { directory, liveRoomId, serverId, ttlMs, held } = this.#options;
    return directory.renew(liveRoomId, serverId, ttlMs, held());
  }

  /** Whether the participant has a place from now on. Rejects where the directory is away. */
  take(kind: PlaceKind, participantId: string, limit: number | null): Promise<boolean> {
    const { directory, liveRoomId, serverId, ttlMs } = this.#options;
    return directory.take(kind, liveRoomId, { participantId, serverId }, limit, ttlMs);
  }

  give(kind: PlaceKind, participantId: string): void {
    const { directory, liveRoomId, serverId } = this.#options;
    this.#try(directory.give(kind, liveRoomId, { participantId, serverId }));
  }

  /** That server, or this one, hosts the room no more. */
  strike(serverId: string = this.#options.serverId): void {
    this.#try(this.#options.directory.leave(this.#options.liveRoomId, serverId));
  }

  // What could not be said is said again with the next renewal, or expires.
  #try(saying: Promise<void>): void {
    saying.catch((error: unknown) => this.#options.log.debug({ err: error }, 'the room directory is away'));
  }
}
