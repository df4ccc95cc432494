import type { Em } from '#platform/database.ts';
import { notFound, Refusal } from '#platform/errors.ts';
import { newId } from '#platform/ids.ts';
import type { Viewer } from '#platform/viewer.ts';
import { findMessagesByNonce, findRoomIdsOfMessages } from '../data/message.repository.ts';
import { findRoomsOfEach } from '../data/room.repository.ts';
import { requireSlowModePassed, type Message } from '../domain/message.ts';
import { permissionsOf } from '../domain/permissions.ts';
import type { Room } from '../domain/room.ts';
import { requireRoom } from './room-access.ts';

export interface NewMessage {
  readonly roomId: string;
  readonly content: string;
  readonly clientNonce: string;
  readonly replyToId?: string | null;
  readonly trackId?: string | null;
}

/** A message that its author wants to send; text and nonce are accepted, ids well formed. */
export interface Sending {
  readonly viewer: Viewer;
  readonly input: NewMessage;
}

/** Messages about to be written together: each is decided about as if those before it were written. */
export interface MessageDraft {
  /** The message as it will be, or as it was sent under its nonce before. Throws a Refusal for what may not be sent. */
  add(sending: Sending): Message;
  /** What is to be written, in order, each with its room. */
  readonly added: readonly { readonly message: Message; readonly room: Room }[];
}

/** Reads what is needed to decide about these. The caller holds the locks of their rooms. */
export async function readDraft(em: Em, sendings: readonly Sending[], sentAt: Date): Promise<MessageDraft> {
  const standings = sendings.map(({ viewer, input }) => ({ roomId: input.roomId, userId: viewer.userId }));
  const rooms = await findRoomsOfEach(em, standings);
  const sent = await findMessagesByNonce(em, sendings.map(nonceOf));
  const roomIdsOfReplies = await findRoomIdsOfMessages(
    em,
    sendings.flatMap(({ input }) => input.replyToId ?? []),
  );
  const facts = {
    rooms: new Map(sendings.map((sending, index) => [standingOf(sending), rooms[index] ?? null])),
    sent: new Map(sent.map((message) => [keyOf(message), message])),
    roomIdsOfReplies,
  };
  return createDraft(facts, sentAt);
}

interface Facts {
  /** By who stands to which. */
  readonly rooms: Map<string, Room | null>;
  /** By nonce. */
  readonly sent: Map<string, Message>;
  readonly roomIdsOfReplies: ReadonlyMap<string, string>;
}

const standingOf = ({ viewer, input }: Sending): string => `${input.roomId} ${viewer.userId}`;

const nonceOf = ({ viewer, input: { roomId, clientNonce } }: Sending) => ({
  roomId,
  authorId: viewer.userId,
  clientNonce,
});

const keyOf = ({ roomId, authorId, clientNonce }: ReturnType<typeof nonceOf>): string =>
  `${roomId} ${authorId} ${clientNonce}`;

function createDraft({ rooms, sent, roomIdsOfReplies }: Facts, sentAt: Date): MessageDraft {
  const added: { message: Message; room: Room }[] = [];
  const lastSeqs = new Map<string, number>();
  return {
    added,
    add(sending) {
      const { viewer, input } = sending;
      const found = rooms.get(standingOf(sending)) ?? null;
      const room = requireRoom(found, viewer, input.roomId, 'SEND', 'input.roomId');
      const nonce = keyOf(nonceOf(sending));
      const earlier = sent.get(nonce);
      if (earlier) return earlier;
      requirePace(room, viewer, sentAt);
      requireReply(room, input.replyToId, roomIdsOfReplies);
      const seq = (lastSeqs.get(room.id) ?? room.lastSeq) + 1;
      const message = newMessage(sending, seq, sentAt);
      added.push({ message, room });
      lastSeqs.set(room.id, seq);
      sent.set(nonce, message);
      rooms.set(standingOf(sending), afterSending(room, sentAt));
      return message;
    },
  };
}

function requirePace(room: Room, viewer: Viewer, now: Date): void {
  const { membership } = room.viewer;
  if (!membership || permissionsOf(room, viewer.roles).includes('BYPASS_SLOW_MODE')) return;
  requireSlowModePassed(room.slowModeSeconds, membership, now);
}

function requireReply(
  room: Room,
  replyToId: string | null | undefined,
  roomIds: ReadonlyMap<string, string>,
): void {
  if (replyToId == null || roomIds.get(replyToId) === room.id) return;
  throw new Refusal(notFound('input.replyToId', replyToId, 'There is no such message in this room.'));
}

function newMessage({ viewer, input }: Sending, seq: number, createdAt: Date): Message {
  const { roomId, content, clientNonce, replyToId = null, trackId = null } = input;
  const id = newId('Message', createdAt.getTime());
  const untouched = { revision: 1, editedAt: null, deletedAt: null };
  return {
    ...{ id, roomId, authorId: viewer.userId, content, seq, clientNonce, replyToId, trackId, createdAt },
    ...untouched,
  };
}

function afterSending(room: Room, lastSentAt: Date): Room {
  const { membership } = room.viewer;
  return { ...room, viewer: { ...room.viewer, membership: membership && { ...membership, lastSentAt } } };
}
