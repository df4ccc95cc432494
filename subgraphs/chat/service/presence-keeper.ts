import type { Database } from '#platform/database.ts';
import { messageOf } from '#platform/errors.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { WorkLoop } from '#platform/events/work-loop.ts';
import type { Log } from '#platform/log.ts';
import type { Poll } from '#platform/polling/poll.ts';
import { prolongPresence, touchPresence } from '../data/presence.repository.ts';
import { PRESENCE_TTL_MS } from '../domain/presence.ts';

/** Live topic on which a change of someone's presence is hinted at. The table is the truth. */
export const presenceTopic = (userId: string): string => `presence:${userId}`;

/** Keeps people present while they have a stream open here. Its owner calls `start` and `stop`. */
export interface PresenceKeeper {
  /**
   * The person is here until the returned function is called; it never fails, because presence must not cost a stream. Whose stream is polled is
   * here with every poll, and asked for one before that is forgotten.
   */
  hold(userId: string, poll: Poll | null): Promise<() => void>;
  start(): void;
  stop(): Promise<void>;
}

export interface PresenceKeeperDeps {
  readonly database: Database;
  readonly liveBus: LiveBus;
  readonly log: Log;
  readonly now: () => Date;
}

// Two signs may get lost before anyone seems to be away.
const TOUCH_MS = PRESENCE_TTL_MS / 3;

export function createPresenceKeeper({ database, liveBus, log, now }: PresenceKeeperDeps): PresenceKeeper {
  const streams = new Map<string, number>();
  const touch = async (userIds: readonly string[]) => {
    const at = now();
    const expiresAt = new Date(at.getTime() + PRESENCE_TTL_MS);
    await database.background(() => touchPresence(database.fork(), userIds, at, expiresAt));
  };
  const arrive = async (userId: string) => {
    try {
      await touch([userId]);
      await liveBus.publish(presenceTopic(userId), { userId });
    } catch (error) {
      log.warn({ userId, reason: messageOf(error) }, 'presence not noted, will be tried again');
    }
  };
  const loop = new WorkLoop({
    name: 'presence',
    step: async () => {
      if (streams.size > 0) await touch([...streams.keys()]);
      return 'idle';
    },
    pollMs: TOUCH_MS,
    log,
  });
  return {
    async hold(userId, poll) {
      if (poll) {
        poll.pace({ againMs: TOUCH_MS });
        await visit({ database, liveBus, log, now }, userId);
        return () => undefined;
      }
      const count = streams.get(userId) ?? 0;
      streams.set(userId, count + 1);
      if (count === 0) await arrive(userId);
      return releaseOnce(streams, userId);
    },
    start: () => loop.start(),
    stop: () => loop.stop(),
  };
}

/** A sign of life of someone whose stream is polled, where one is due. */
async function visit({ database, liveBus, log, now }: PresenceKeeperDeps, userId: string): Promise<void> {
  try {
    const at = now();
    const expiresAt = new Date(at.getTime() + PRESENCE_TTL_MS);
    const dueBefore = new Date(expiresAt.getTime() - TOUCH_MS);
    const wasAway = await prolongPresence(database.fork(), userId, { now: at, expiresAt, dueBefore });
    // Only where it is news: those who are told poll, and would be told of in turn, and so on without end.
    if (wasAway) await liveBus.publish(presenceTopic(userId), { userId });
  } catch (error) {
    log.warn({ userId, reason: messageOf(error) }, 'presence not noted, will be tried again');
  }
}

function releaseOnce(streams: Map<string, number>, userId: string): () => void {
  let released = false;
  return () => {
    if (released) return;
    released = true;
    const left = (streams.get(userId) ?? 1) - 1;
    if (left > 0) streams.set(userId, left);
    else streams.delete(userId);
  };
}
