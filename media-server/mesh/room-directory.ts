/** What of a room there is a limited number of: being in it, and sending. */
export const PLACE_KINDS = ['seat', 'voice'] as const;
export type PlaceKind = (typeof PLACE_KINDS)[number];

/** Ids of those participants on one server who have a place of each kind. */
export type HeldPlaces = Readonly<Record<PlaceKind, readonly string[]>>;

/** Of whom a place is, and through which server. */
export interface PlaceHolder {
  readonly participantId: string;
  readonly serverId: string;
}

/**
 * Which media servers host a live room, and who has its places. A server says so again and again; one that does not is forgotten after `ttlMs`, and
 * with it the places that were taken through it. The first in the list is the one that has hosted the room for longest: it measures levels for all.
 */
export interface RoomDirectory {
  /**
   * Says that the server hosts the room for the next `ttlMs`, and that these are the places taken through it: what the directory has lost is put right,
   * and a place that was taken through another server meanwhile stays with that. Answers with the ids of all hosts, the longest first.
   */
  renew(liveRoomId: string, serverId: string, ttlMs: number, held?: HeldPlaces): Promise<readonly string[]>;
  leave(liveRoomId: string, serverId: string): Promise<void>;
  /**
   * Takes one of `limit` places, whichever servers ask at the same moment; null for any number. Whoever has one keeps it, and it is of that server from
   * then on. The server is known as a host for the next `ttlMs`. False where all are taken.
   */
  take(
    kind: PlaceKind,
    liveRoomId: string,
    holder: PlaceHolder,
    limit: number | null,
    ttlMs: number,
  ): Promise<boolean>;
  /** Gives a place back, unless it is of another server by now. */
  give(kind: PlaceKind, liveRoomId: string, holder: PlaceHolder): Promise<void>;
  close(): Promise<void>;
}

/** Servers by participant. */
type Places = Map<string, string>;

interface DirectoryEntry {
  /** When each host expires. A Map keeps the order in which they came. */
  readonly hosts: Map<string, number>;
  readonly places: Readonly<Record<PlaceKind, Places>>;
}

const emptyEntry = (): DirectoryEntry => ({
  hosts: new Map(),
  places: { seat: new Map(), voice: new Map() },
});

/** For servers of one process. */
export function memoryRoomDirectory(nowMs: () => number = Date.now): RoomDirectory {
  const rooms = new Map<string, DirectoryEntry>();

  const forget = ({ hosts, places }: DirectoryEntry, serverId: string): void => {
    hosts.delete(serverId);
    for (const kind of PLACE_KINDS)
      for (const [participantId, of] of places[kind]) if (of === serverId) places[kind].delete(participantId);
  };
  const living = (liveRoomId: string): DirectoryEntry => {
    const entry = rooms.get(liveRoomId) ?? emptyEntry();
    for (const [serverId, expiresAtMs] of entry.hosts) if (expiresAtMs <= nowMs()) forget(entry, serverId);
    if (entry.hosts.size === 0) rooms.delete(liveRoomId);
    return entry;
  };
  const hosted = (liveRoomId: string, serverId: string, ttlMs: number): DirectoryEntry => {
    const entry = living(liveRoomId);
    entry.hosts.set(serverId, nowMs() + ttlMs);
    rooms.set(liveRoomId, entry);
    return entry;
  };

  return {
    async renew(liveRoomId, serverId, ttlMs, held = { seat: [], voice: [] }) {
      const { hosts, places } = hosted(liveRoomId, serverId, ttlMs);
      for (const kind of PLACE_KINDS) putRight(places[kind], serverId, held[kind]);
      return [...hosts.keys()];
    },
    async leave(liveRoomId, serverId) {
      forget(living(liveRoomId), serverId);
      living(liveRoomId);
    },
    async take(kind, liveRoomId, { participantId, serverId }, limit, ttlMs) {
      const places = hosted(liveRoomId, serverId, ttlMs).places[kind];
      const isFree = limit === null || places.has(participantId) || places.size < limit;
      if (isFree) places.set(participantId, serverId);
      return isFree;
    },
    async give(kind, liveRoomId, { participantId, serverId }) {
      const places = living(liveRoomId).places[kind];
      if (places.get(participantId) === serverId) places.delete(participantId);
    },
    async close() {
      rooms.clear();
    },
  };
}

function putRight(places: Places, serverId: string, held: readonly string[]): void {
  const here = new Set(held);
  for (const [participantId, of] of places)
    if (of === serverId && !here.has(participantId)) places.delete(participantId);
  for (const participantId of here) if (!places.has(participantId)) places.set(participantId, serverId);
}
