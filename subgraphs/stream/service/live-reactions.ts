import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Database } from '#platform/database.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { isId } from '#platform/ids.ts';
import type { Log } from '#platform/log.ts';
import type { Viewer } from '#platform/viewer.ts';
import { findVisibleRooms } from '../data/live-room.repository.ts';
import { findParticipantsOf } from '../data/participant.repository.ts';
import { requireLive } from '../domain/live-room.ts';
import { requirePresent } from '../domain/participant.ts';
import { REACTION_GAP_MS, REACTIONS, requireRested, type Reaction } from '../domain/reaction.ts';
import { noLiveRoom } from './live-rooms.ts';

/** Topic on which a room's reactions are told, as each process of this subgraph has counted them. */
export const reactionsTopic = (liveRoomId: string): string => `live-room:${liveRoomId}:reactions`;

export const reactionsReport = z.object({
  liveRoomId: z.string(),
  /** The process. */
  from: z.string(),
  /** Since its last report. */
  counts: z.array(z.object({ reaction: z.enum(REACTIONS), count: z.number().int() })),
});
export type ReactionsReport = z.infer<typeof reactionsReport>;

/** Reactions of people in live rooms: counted, told, and forgotten. */
export interface LiveReactions {
  /** Refuses whoever is not in the room, and more than a few in a second. */
  react(viewer: Viewer, liveRoomId: string, reaction: Reaction): Promise<Reaction>;
  /** Tells what was counted. */
  stop(): void;
}

export interface LiveReactionsDeps {
  readonly database: Database;
  readonly liveBus: LiveBus;
  readonly log: Log;
  readonly now: () => Date;
}

/** However many people react, everybody is told so often. */
export const REACTIONS_EVERY_MS = 500;

export function createLiveReactions({ database, liveBus, log, now }: LiveReactionsDeps): LiveReactions {
  const from = randomUUID();
  const gathered = new Map<string, Map<Reaction, number>>();
  /** By person and room. */
  const reactedAtMs = new Map<string, number>();
  let timer: NodeJS.Timeout | null = null;

  const tell = () => {
    timer = null;
    for (const [liveRoomId, counted] of gathered) {
      const counts = [...counted].map(([reaction, count]) => ({ reaction, count }));
      const report: ReactionsReport = { liveRoomId, from, counts };
      liveBus.publish(reactionsTopic(liveRoomId), report).catch((error: unknown) => {
        log.warn({ err: error, liveRoomId }, 'reactions are not told');
      });
    }
    gathered.clear();
    const rested = now().getTime() - REACTION_GAP_MS;
    for (const [key, atMs] of reactedAtMs) if (atMs <= rested) reactedAtMs.delete(key);
  };

  return {
    async react({ userId }, liveRoomId, reaction) {
      const key = `${userId} ${liveRoomId}`;
      // Whoever does not rest costs no reading.
      requireRested(reactedAtMs.get(key), now().getTime());
      const em = database.fork();
      const [room] = isId('LiveRoom', liveRoomId) ? await findVisibleRooms(em, userId, [liveRoomId]) : [];
      if (!room) throw noLiveRoom('liveRoomId', liveRoomId);
      requireLive(room, 'liveRoomId');
      const [own = null] = await findParticipantsOf(em, userId, [liveRoomId]);
      requirePresent(own, 'liveRoomId');
      const atMs = now().getTime();
      requireRested(reactedAtMs.get(key), atMs);
      reactedAtMs.set(key, atMs);
      const counted = gathered.get(liveRoomId) ?? new Map<Reaction, number>();
      gathered.set(liveRoomId, counted.set(reaction, (counted.get(reaction) ?? 0) + 1));
      timer ??= setTimeout(tell, REACTIONS_EVERY_MS);
      return reaction;
    },
    stop() {
      if (timer) clearTimeout(timer);
      tell();
    },
  };
}
