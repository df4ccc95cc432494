import { z } from 'zod';
import type { Database } from '#platform/database.ts';
import { invalid, messageOf, Refusal } from '#platform/errors.ts';
import { LiveStream } from '#platform/events/live-stream.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import type { Log } from '#platform/log.ts';
import { MAX_PAGE_SIZE } from '#platform/paging.ts';
import type { Listening } from '#platform/polling/poll.ts';
import type { Viewer } from '#platform/viewer.ts';
import { savePresence } from '../data/presence.repository.ts';
import {
  acceptActivity,
  presenceAt,
  PRESENCE_TTL_MS,
  type Presence,
  type PresenceStatus,
} from '../domain/presence.ts';
import type { UserReference } from '../domain/references.ts';
import { subscribeAll } from './live-topics.ts';
import { presenceTopic, type PresenceKeeper } from './presence-keeper.ts';
import { pollPresence } from './presence-poll.ts';
import { PresenceWatch } from './presence-watch.ts';
import { requireUserIds } from './room-access.ts';

export interface PresenceBoard {
  /** A sign of life that says how the viewer wants to be seen. */
  set(viewer: Viewer, status: PresenceStatus, activity: string | null | undefined): Promise<Presence>;
  /** Each person at once, then whenever their presence changes. Resolves once it is live. */
  follow(
    viewer: Viewer,
    userIds: readonly string[],
    listening: Listening,
  ): Promise<AsyncIterable<UserReference>>;
}

export interface PresenceBoardDeps {
  readonly database: Database;
  readonly liveBus: LiveBus;
  readonly keeper: PresenceKeeper;
  readonly log: Log;
  readonly now: () => Date;
}

const hint = z.object({ userId: z.string() });

export function createPresenceBoard(deps: PresenceBoardDeps): PresenceBoard {
  const { database, liveBus, keeper, log, now } = deps;
  return {
    async set({ userId }, status, activity) {
      const lastActiveAt = now();
      const expiresAt = new Date(lastActiveAt.getTime() + PRESENCE_TTL_MS);
      const sign = { userId, status, activity: acceptActivity(activity), lastActiveAt, expiresAt };
      await savePresence(database.fork(), sign);
      // Only a hint: watchers look at the table from time to time anyway.
      await liveBus.publish(presenceTopic(userId), { userId }).catch((error: unknown) => {
        log.warn({ userId, reason: messageOf(error) }, 'presence not announced');
      });
      return presenceAt(sign, lastActiveAt);
    },

    async follow(viewer, given, { signal, poll }) {
      const userIds = [...new Set(given)];
      if (userIds.length > MAX_PAGE_SIZE)
        throw new Refusal(invalid('userIds', 'TOO_MANY', `At most ${MAX_PAGE_SIZE} ids.`));
      requireUserIds('userIds', userIds);
      const hints = await subscribeAll(liveBus, userIds.map(presenceTopic), poll);
      const leave = await keeper.hold(viewer.userId, poll);
      if (poll) return pollPresence({ database, now, poll, viewerId: viewer.userId, userIds });
      const watch = new PresenceWatch({ database, log, now, viewerId: viewer.userId, userIds });
      void passOn(hints, watch);
      const release = () => {
        leave();
        void hints.return?.();
      };
      return new LiveStream({ source: watch, step: (emit) => ({ emit }), release, signal });
    },
  };
}

async function passOn(hints: AsyncIterable<unknown>, watch: PresenceWatch): Promise<void> {
  for await (const message of hints) {
    const { success, data } = hint.safeParse(message);
    if (success) watch.look([data.userId]);
  }
  // The bus was closed because this process goes down, or the stream has ended already.
  await watch.return();
}
