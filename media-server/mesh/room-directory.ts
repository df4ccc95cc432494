/**
 * Which media servers host a live room. A server says so again and again; one that does not is forgotten after `ttlMs`. The first in the list is the
 * one that has hosted it for longest: it measures levels for all.
 */
export interface RoomDirectory {
  /** Says that the server hosts the room for the next `ttlMs`. Answers with the ids of all that do, the longest first. */
  renew(liveRoomId: string, serverId: string, ttlMs: number): Promise<readonly string[]>;
  leave(liveRoomId: string, serverId: string): Promise<void>;
  close(): Promise<void>;
}

/** For servers of one process. */
export function memoryRoomDirectory(nowMs: () => number = Date.now): RoomDirectory {
  // A Map keeps the order in which servers came.
  const rooms = new Map<string, Map<string, number>>();

  const living = (liveRoomId: string): Map<string, number> => {
    const hosts = rooms.get(liveRoomId) ?? new Map<string, number>();
    for (const [serverId, expiresAtMs] of hosts) if (expiresAtMs <= nowMs()) hosts.delete(serverId);
    return hosts;
  };

  return {
    async renew(liveRoomId, serverId, ttlMs) {
      const hosts = living(liveRoomId).set(serverId, nowMs() + ttlMs);
      rooms.set(liveRoomId, hosts);
      return [...hosts.keys()];
    },
    async leave(liveRoomId, serverId) {
      const hosts = living(liveRoomId);
      hosts.delete(serverId);
      if (hosts.size === 0) rooms.delete(liveRoomId);
    },
    async close() {
      rooms.clear();
    },
  };
}
