import { signBroadcastUrl } from '#platform/broadcast-url.ts';
import type { LiveRoom } from '../domain/live-room.ts';
import type { MediaLocation, MediaServers } from '../domain/ports.ts';

/** Where those listen who are not in a room. */
export interface Broadcasts {
  /** Null while the room is not LIVE, and where media servers cannot mix. */
  urlOf(room: LiveRoom): Promise<string | null>;
}

export interface BroadcastsDeps {
  readonly media: MediaServers;
  readonly secret: string;
  readonly now: () => Date;
}

export function createBroadcasts({ media, secret, now }: BroadcastsDeps): Broadcasts {
  return {
    urlOf: async (room) => broadcastUrl(room, await media.locate(room.id, 'listen'), { secret, now }),
  };
}

export function broadcastUrl(
  room: LiveRoom,
  location: MediaLocation,
  { secret, now }: Pick<BroadcastsDeps, 'secret' | 'now'>,
): string | null {
  if (room.state !== 'LIVE' || !location.available || !location.canMix) return null;
  return signBroadcastUrl(location.webUrl, room.id, secret, now().getTime());
}
