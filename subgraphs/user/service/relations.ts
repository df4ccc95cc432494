import type { Em } from '#platform/database.ts';
import type { Events } from '#platform/events/events.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import type { Viewer } from '#platform/viewer.ts';
import {
  deleteBlock,
  deleteFollow,
  insertBlock,
  insertFollow,
  isBlockedEitherWay,
} from '../data/relation.repository.ts';
import { findUsersById } from '../data/user.repository.ts';
import { requireNotBlocked, requireOther, type User } from '../domain/user.ts';
import { requireUser } from './profiles.ts';

/** Every change answers with the other user as they are after it; what was so already stays so and leaves no event. */
export interface Relations {
  follow(viewer: Viewer, userId: string): Promise<User>;
  unfollow(viewer: Viewer, userId: string): Promise<User>;
  block(viewer: Viewer, userId: string): Promise<User>;
  unblock(viewer: Viewer, userId: string): Promise<User>;
}

type Change = (tx: Transaction, viewerId: string, userId: string, now: Date) => Promise<void>;

export function createRelations({ events, now }: { events: Events; now: () => Date }): Relations {
  const change = (run: Change) => (viewer: Viewer, userId: string) =>
    events.transact(async (tx) => {
      requireOther(viewer.userId, userId);
      await requireUser(tx.em, userId, 'userId');
      await run(tx, viewer.userId, userId, now());
      return readAgain(tx.em, userId);
    });
  return {
    follow: change(follow),
    unfollow: change(unfollow),
    block: change(block),
    unblock: change(unblock),
  };
}

async function follow(tx: Transaction, followerId: string, followedId: string, now: Date): Promise<void> {
  requireNotBlocked(await isBlockedEitherWay(tx.em, followerId, followedId));
  if (!(await insertFollow(tx.em, followerId, followedId, now))) return;
  const payload = { followerId, followedId };
  await tx.append({ stream: `user:${followerId}`, name: 'user.followed', payload, actorId: followerId });
}

async function unfollow(tx: Transaction, followerId: string, followedId: string): Promise<void> {
  if (!(await deleteFollow(tx.em, followerId, followedId))) return;
  const payload = { followerId, followedId };
  await tx.append({ stream: `user:${followerId}`, name: 'user.unfollowed', payload, actorId: followerId });
}

async function block(tx: Transaction, blockerId: string, blockedId: string, now: Date): Promise<void> {
  if (!(await insertBlock(tx.em, blockerId, blockedId, now))) return;
  await unfollow(tx, blockerId, blockedId);
  await unfollow(tx, blockedId, blockerId);
  const payload = { blockerId, blockedId };
  await tx.append({ stream: `user:${blockerId}`, name: 'user.blocked', payload, actorId: blockerId });
}

async function unblock(tx: Transaction, blockerId: string, blockedId: string): Promise<void> {
  if (!(await deleteBlock(tx.em, blockerId, blockedId))) return;
  const payload = { blockerId, blockedId };
  await tx.append({ stream: `user:${blockerId}`, name: 'user.unblocked', payload, actorId: blockerId });
}

// The identity map still holds the row as it was before the counters moved.
async function readAgain(em: Em, userId: string): Promise<User> {
  em.clear();
  const [user] = await findUsersById(em, [userId]);
  return user!;
}
