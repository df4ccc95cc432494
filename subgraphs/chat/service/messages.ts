import type { Em } from '#platform/database.ts';
import { forbidden, notFound, Refusal } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import { isId, newId } from '#platform/ids.ts';
import type { Viewer } from '#platform/viewer.ts';
import {
  findMessageByNonce,
  findMessageIn,
  insertMessage,
  saveDeletion,
  saveEdit,
} from '../data/message.repository.ts';
import { acceptMessage, editMessage, requireSlowModePassed, type Message } from '../domain/message.ts';
import { permissionsOf, requirePermission } from '../domain/permissions.ts';
import { streamOf, type Room } from '../domain/room.ts';
import { lockRoomFor, lockRoomOfMessage } from './room-access.ts';

export interface NewMessage {
  readonly roomId: string;
  readonly content: string;
  readonly clientNonce: string;
  readonly replyToId?: string | null;
  readonly trackId?: string | null;
}

/** Every change answers with the message after it. */
export interface Messages {
  /** The same nonce of the same author in the same room answers with the first message. */
  send(viewer: Viewer, input: NewMessage): Promise<Message>;
  edit(viewer: Viewer, messageId: string, content: string, expectedRevision: number | null): Promise<Message>;
  delete(viewer: Viewer, messageId: string): Promise<Message>;
}

export interface MessagesDeps {
  readonly events: Events;
  readonly now: () => Date;
}

export function createMessages({ events, now }: MessagesDeps): Messages {
  return {
    async send(viewer, input) {
      const accepted = acceptMessage(input);
      return events.transact(async (tx) => {
        const room = await lockRoomFor(tx.em, viewer, input.roomId, 'SEND', 'input.roomId');
        const earlier = await findMessageByNonce(tx.em, room.id, viewer.userId, accepted.clientNonce);
        if (earlier) return earlier;
        const sentAt = now();
        requirePace(room, viewer, sentAt);
        await requireReferences(tx.em, room, input);
        return write(tx, room, viewer, { ...input, ...accepted }, sentAt);
      });
    },

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

function requirePace(room: Room, viewer: Viewer, now: Date): void {
  const { membership } = room.viewer;
  if (!membership || permissionsOf(room, viewer.roles).includes('BYPASS_SLOW_MODE')) return;
  requireSlowModePassed(room.slowModeSeconds, membership, now);
}

async function requireReferences(em: Em, room: Room, { replyToId, trackId }: NewMessage): Promise<void> {
  if (trackId != null && !isId('Track', trackId))
    throw new Refusal(notFound('input.trackId', trackId, 'There is no such track.'));
  if (replyToId == null) return;
  const known = isId('Message', replyToId) && (await findMessageIn(em, room.id, replyToId));
  if (!known)
    throw new Refusal(notFound('input.replyToId', replyToId, 'There is no such message in this room.'));
}

async function write(
  { em, append }: Transaction,
  room: Room,
  { userId: authorId }: Viewer,
  input: NewMessage,
  createdAt: Date,
): Promise<Message> {
  const message: Message = {
    id: newId('Message', createdAt.getTime()),
    roomId: room.id,
    authorId,
    content: input.content,
    // The room's lock is held: nobody else takes this number.
    seq: room.lastSeq + 1,
    clientNonce: input.clientNonce,
    revision: 1,
    replyToId: input.replyToId ?? null,
    trackId: input.trackId ?? null,
    createdAt,
    editedAt: null,
    deletedAt: null,
  };
  await insertMessage(em, message);
  const payload = { roomId: room.id, messageId: message.id, authorId, roomKind: room.kind };
  await append({ stream: streamOf(room.id), name: 'message.created', payload, actorId: authorId });
  return message;
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
