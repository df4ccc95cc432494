import { signBroadcastUrl } from '#platform/broadcast-url.ts';
import type { Database } from '#platform/database.ts';
import { findListeners } from '../data/listener.repository.ts';
import type { LiveRoom } from '../domain/live-room.ts';
import type { MediaLocation, MediaServers } from '../domain/ports.ts';

/** Where those listen who are not in a room. */
export interface Broadcasts {
  /** The viewer's own address; null while the room is not LIVE, where media servers cannot mix, and for whom it is not. */
  urlOf(room: LiveRoom, viewerId: string | null): Promise<string | null>;
}

export interface BroadcastsDeps {
  readonly database: Database;
  readonly media: MediaServers;
  readonly secret: string;
  readonly now: () => Date;
}

export function createBroadcasts(deps: BroadcastsDeps): Broadcasts {
  const { database, media } = deps;
  return {
    async urlOf(room, viewerId) {
      const url = broadcastUrl(room, viewerId, await media.locate(room.id, 'listen'), deps);
      const listener = { liveRoomId: room.id, userId: viewerId };
      return url !== null && (await findListeners(database.fork(), [listener])).size > 0 ? url : null;
    },
  };
}

/** For somebody who is welcome in the room. */
export function broadcastUrl(
  { id: liveRoomId, state }: LiveRoom,
  userId: string | null,
  location: MediaLocation,
  { secret, now }: Pick<BroadcastsDeps, 'secret' | 'now'>,
): string | null {
  if (state !== 'LIVE' || !location.available || !location.canMix) return null;
  return signBroadcastUrl(location.webUrl, { liveRoomId, userId }, secret, now().getTime());
}
