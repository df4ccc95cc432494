import { z } from 'zod';
import type { Database } from '#platform/database.ts';
import type { Poll } from '#platform/polling/poll.ts';
import { findPresence } from '../data/presence.repository.ts';
import { ABSENT, looksDifferent, PRESENCE_STATUSES, presenceAt } from '../domain/presence.ts';
import type { UserReference } from '../domain/references.ts';
import { LOOK_GAP_MS } from './presence-watch.ts';

export interface PresencePollOptions {
  readonly database: Database;
  readonly now: () => Date;
  readonly poll: Poll;
  readonly viewerId: string;
  readonly userIds: readonly string[];
}

const toldPresence = z.object({ status: z.enum(PRESENCE_STATUSES), activity: z.string().nullable() });
/** By the id of the person. */
const told = z.record(z.string(), toldPresence);

/** What a PresenceWatch yields: each person with the first poll, then those who look different from what was told of them. */
export async function* pollPresence(options: PresencePollOptions): AsyncGenerator<UserReference, void, void> {
  const { database, now, poll, viewerId, userIds } = options;
  const known = new Map(Object.entries(poll.recall(told) ?? {}));
  poll.pace({ pauseMs: LOOK_GAP_MS });
  poll.keep(() => Object.fromEntries(known));
  const signs = await findPresence(database.fork(), viewerId, userIds);
  const found = new Map(signs.map((sign) => [sign.userId, presenceAt(sign, now())]));
  for (const id of userIds) {
    const { status, activity } = found.get(id) ?? ABSENT;
    const before = known.get(id);
    if (before && !looksDifferent(before, { status, activity })) continue;
    known.set(id, { status, activity });
    yield { id };
  }
  poll.idle();
}
