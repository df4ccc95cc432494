import type { Events } from '#platform/events/events.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import type { Viewer } from '#platform/viewer.ts';
import { deleteReaction, findReactions, insertReaction } from '../data/reaction.repository.ts';
import { acceptEmoji, requireEmojiSpace, requireNotDeleted, type Message } from '../domain/message.ts';
import { requirePermission } from '../domain/permissions.ts';
import { streamOf } from '../domain/room.ts';
import { lockRoomOfMessage } from './room-access.ts';

/** Every change answers with the message; what was so already stays so and leaves no event. */
export interface MessageReactions {
  add(viewer: Viewer, messageId: string, emoji: string): Promise<Message>;
  remove(viewer: Viewer, messageId: string, emoji: string): Promise<Message>;
}

export interface MessageReactionsDeps {
  readonly events: Events;
  readonly now: () => Date;
}

/** Returns whether anything changed. */
type Change = (tx: Transaction, messageId: string, emoji: string, userId: string) => Promise<boolean>;

export function createMessageReactions({ events, now }: MessageReactionsDeps): MessageReactions {
  const react = (added: boolean, change: Change) => (viewer: Viewer, messageId: string, text: string) =>
    events.transact(async (tx) => {
      const emoji = acceptEmoji(text);
      const { room, message } = await lockRoomOfMessage(tx.em, viewer, messageId);
      requirePermission(room, viewer.roles, 'REACT');
      requireNotDeleted(message);
      if (await change(tx, messageId, emoji, viewer.userId)) await record(tx, message, viewer, emoji, added);
      return message;
    });
  const add: Change = async ({ em }, messageId, emoji, userId) => {
    const [present] = await findReactions(em, userId, [messageId]);
    requireEmojiSpace(present?.groups.map((group) => group.emoji) ?? [], emoji);
    return insertReaction(em, messageId, emoji, userId, now());
  };
  return { add: react(true, add), remove: react(false, remove) };
}

const remove: Change = ({ em }, messageId, emoji, userId) => deleteReaction(em, messageId, emoji, userId);

async function record(
  { em, append }: Transaction,
  { id: messageId, roomId }: Message,
  { userId }: Viewer,
  emoji: string,
  added: boolean,
): Promise<void> {
  const [after] = await findReactions(em, userId, [messageId]);
  const count = after?.groups.find((group) => group.emoji === emoji)?.count ?? 0;
  const payload = { roomId, messageId, emoji, userId, added, count };
  await append({ stream: streamOf(roomId), name: 'message.reactionChanged', payload, actorId: userId });
}
