import type { Em } from '#platform/database.ts';
import { textArray } from '#platform/text-array.ts';
import type { ReactionGroup } from '../domain/message.ts';
import { Reaction } from './message.entity.ts';

export interface MessageReactions {
  readonly messageId: string;
  readonly groups: ReactionGroup[];
}

/** Reactions of the messages that have any, in the order in which each emoji came up. */
export async function findReactions(
  em: Em,
  viewerId: string | null,
  messageIds: readonly string[],
): Promise<MessageReactions[]> {
  const rows = await em.execute<(ReactionGroup & { messageId: string })[]>(
    `select message_id as "messageId", emoji, count(*)::int as count, bool_or(user_id = ?) as "viewerReacted"
     from reaction where message_id = any(?::text[])
     group by message_id, emoji order by message_id, min(created_at), emoji`,
    [viewerId ?? '', textArray(messageIds)],
  );
  const groups = Map.groupBy(rows, ({ messageId }) => messageId);
  return [...groups].map(([messageId, found]) => ({
    messageId,
    groups: found.map(({ emoji, count, viewerReacted }) => ({ emoji, count, viewerReacted })),
  }));
}

/** False where it is there already. */
export async function insertReaction(
  em: Em,
  messageId: string,
  emoji: string,
  userId: string,
  createdAt: Date,
): Promise<boolean> {
  const rows = await em.execute<unknown[]>(
    `insert into reaction (message_id, emoji, user_id, created_at) values (?, ?, ?, ?)
     on conflict do nothing returning emoji`,
    [messageId, emoji, userId, createdAt],
  );
  return rows.length === 1;
}

/** False where there is none. */
export async function deleteReaction(
  em: Em,
  messageId: string,
  emoji: string,
  userId: string,
): Promise<boolean> {
  return (await em.nativeDelete(Reaction, { messageId, emoji, userId })) === 1;
}
