import { forbidden, Refusal } from '#platform/errors.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import type { Viewer } from '#platform/viewer.ts';
import { saveDeletion, saveEdit } from '../data/message.repository.ts';
import { editMessage, type Message } from '../domain/message.ts';
import { requirePermission } from '../domain/permissions.ts';
import { streamOf } from '../domain/room.ts';
import type { NewMessage } from './message-draft.ts';
import { lockRoomOfMessage } from './room-access.ts';
import { createSending, type SendingDeps } from './sending.ts';

/** Every change answers with the message after it. */
export interface Messages {
  /** The same nonce of the same author in the same room answers with the first message. */
  send(viewer: Viewer, input: NewMessage): Promise<Message>;
  edit(viewer: Viewer, messageId: string, content: string, expectedRevision: number | null): Promise<Message>;
  delete(viewer: Viewer, messageId: string): Promise<Message>;
}

export function createMessages(deps: SendingDeps): Messages {
  const { events, now } = deps;
  return {
    send: createSending(deps),

    edit: (viewer, messageId, content, expectedRevision) =>
      events.transact(async (tx) => {
        const { room, message } = await lockRoomOfMessage(tx.em, viewer, messageId);
        requirePermission(room, viewer.roles, 'EDIT_OWN');
        if (message.authorId !== viewer.userId)
          throw new Refusal(forbidden('Only its author can edit a message.'));
        const edited = editMessage(message, content, expectedRevision, now());
        if (edited === message) return message;
        await saveEdit(tx.em, edited);
        const payload = { roomId: room.id, messageId, revision: edited.revision };
        await tx.append({
          stream: streamOf(room.id),
          name: 'message.edited',
          payload,
          actorId: viewer.userId,
        });
        return edited;
      }),

    delete: (viewer, messageId) =>
      events.transact(async (tx) => {
        const { room, message } = await lockRoomOfMessage(tx.em, viewer, messageId);
        const own = message.authorId === viewer.userId;
        requirePermission(room, viewer.roles, own ? 'DELETE_OWN' : 'DELETE_ANY');
        return message.deletedAt ? message : remove(tx, message, viewer, now());
      }),
  };
}

async function remove(
  { em, append }: Transaction,
  message: Message,
  { userId: actorId }: Viewer,
  deletedAt: Date,
): Promise<Message> {
  const { id: messageId, roomId, authorId } = message;
  await saveDeletion(em, messageId, deletedAt);
  const payload = { roomId, messageId, byModerator: authorId !== actorId };
  await append({ stream: streamOf(roomId), name: 'message.deleted', payload, actorId });
  return { ...message, content: null, trackId: null, deletedAt };
}
