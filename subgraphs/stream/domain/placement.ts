/** A media server that says where it is and takes people in. */
export interface MediaCandidate {
  readonly serverId: string;
  /** Share of what it is meant to carry that it carries now; 1 and more is too much. */
  readonly load: number;
  readonly liveRoomIds: readonly string[];
  /** Rooms of which it has all voices, wherever they are connected. */
  readonly watchedRoomIds: readonly string[];
}

/** What a media server is wanted for: to enter a room, or to listen to its broadcast. */
export type MediaPurpose = 'enter' | 'listen';

/**
 * Where somebody who enters a room is to go, best first: to a server that hosts the room already, while it can carry more, because a room on one server
 * costs least; else to the least busy one. Servers of the same load are ordered by room and server, so that all who ask answer the same.
 */
export function rankServers<T extends MediaCandidate>(candidates: readonly T[], liveRoomId: string): T[] {
  const isAtHome = ({ load, liveRoomIds }: T) => load < 1 && liveRoomIds.includes(liveRoomId);
  const order = ({ serverId }: T) => hashOf(`${liveRoomId} ${serverId}`);
  return candidates.toSorted(
    (a, b) => Number(isAtHome(b)) - Number(isAtHome(a)) || a.load - b.load || order(a) - order(b),
  );
}

/** Where somebody who only listens is to go, best first: a broadcast is had of the server with all voices, whatever it carries. */
export function rankBroadcasters<T extends MediaCandidate>(
  candidates: readonly T[],
  liveRoomId: string,
): T[] {
  const isWatching = ({ watchedRoomIds }: T) => watchedRoomIds.includes(liveRoomId);
  return rankServers(candidates, liveRoomId).toSorted(
    (a, b) => Number(isWatching(b)) - Number(isWatching(a)),
  );
}

// FNV-1a: it has to be the same everywhere, not hard to guess.
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash;
}
