import type { Em } from '#platform/database.ts';
import { pageOfEach } from '#platform/keyset.ts';
import type { Page } from '#platform/paging.ts';
import { textArray } from '#platform/text-array.ts';
import type { Message } from '../domain/message.ts';
import { MessageEntity } from './message.entity.ts';

interface MessageRow extends Omit<Message, 'createdAt' | 'editedAt' | 'deletedAt'> {
  readonly createdAt: string | Date;
  readonly editedAt: string | Date | null;
  readonly deletedAt: string | Date | null;
}

const COLUMNS = `m.id, m.room_id as "roomId", m.author_id as "authorId", m.content, m.seq,
  m.client_nonce as "clientNonce", m.revision, m.reply_to_id as "replyToId", m.track_id as "trackId",
  m.created_at as "createdAt", m.edited_at as "editedAt", m.deleted_at as "deletedAt"`;

/** Those of the messages that the viewer may see. */
export async function findMessages(
  em: Em,
  viewerId: string | null,
  ids: readonly string[],
): Promise<Message[]> {
  const rows = await em.execute<MessageRow[]>(
    `select ${COLUMNS} from message m join room r on r.id = m.room_id where m.id = any(?::text[])
     and (r.visibility <> 'PRIVATE' or exists (select 1 from room_member where room_id = r.id and user_id = ?))`,
    [textArray(ids), viewerId ?? ''],
  );
  return rows.map(toMessage);
}

/** The same page of each room's messages, in the page's direction. */
export async function listMessages(em: Em, roomIds: readonly string[], page: Page): Promise<Message[]> {
  const { from, order, parameters } = pageOfEach(roomIds, page, {
    table: 'message',
    alias: 'm',
    owner: 'm.room_id',
    order: { columns: [{ name: 'm.seq', type: 'int' }], direction: 'asc' },
  });
  const rows = await em.execute<MessageRow[]>(`select ${COLUMNS} from ${from} order by ${order}`, parameters);
  return rows.map(toMessage);
}

export async function findRoomIdOfMessage(em: Em, id: string): Promise<string | null> {
  const [row] = await em.execute<{ roomId: string }[]>(
    'select room_id as "roomId" from message where id = ?',
    [id],
  );
  return row?.roomId ?? null;
}

/** A message of the room; the caller holds the room's lock. */
export async function findMessageIn(em: Em, roomId: string, id: string): Promise<Message | null> {
  const [row] = await em.execute<MessageRow[]>(
    `select ${COLUMNS} from message m where m.id = ? and m.room_id = ?`,
    [id, roomId],
  );
  return row ? toMessage(row) : null;
}

/** What the author sent to the room under this nonce before. */
export async function findMessageByNonce(
  em: Em,
  roomId: string,
  authorId: string,
  clientNonce: string,
): Promise<Message | null> {
  const [row] = await em.execute<MessageRow[]>(
    `select ${COLUMNS} from message m where m.room_id = ? and m.author_id = ? and m.client_nonce = ?`,
    [roomId, authorId, clientNonce],
  );
  return row ? toMessage(row) : null;
}

/** Writes the message, counts it in its room, and moves its author's marker onto it. The caller holds the room's lock. */
export async function insertMessage(em: Em, message: Message): Promise<void> {
  const { id, roomId, authorId, content, seq, clientNonce, replyToId, trackId, createdAt } = message;
  await em.execute(
    `with written as (
       insert into message (id, room_id, author_id, content, seq, client_nonce, reply_to_id, track_id, created_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ), counted as (
       update room set last_seq = ? where id = ?
     ) update room_member set last_read_seq = ?, last_sent_at = ? where room_id = ? and user_id = ?`,
    [
      ...[id, roomId, authorId, content, seq, clientNonce, replyToId, trackId, createdAt],
      ...[seq, roomId],
      ...[seq, createdAt, roomId, authorId],
    ],
  );
}

export async function saveEdit(em: Em, { id, content, revision, editedAt }: Message): Promise<void> {
  await em.nativeUpdate(MessageEntity, { id }, { content, revision, editedAt });
}

/** Leaves the place of the message and nothing of what it said. */
export async function saveDeletion(em: Em, id: string, deletedAt: Date): Promise<void> {
  await em.execute('delete from reaction where message_id = ?', [id]);
  await em.nativeUpdate(MessageEntity, { id }, { content: null, trackId: null, deletedAt });
}

function toMessage(row: MessageRow): Message {
  return {
    ...row,
    createdAt: new Date(row.createdAt),
    editedAt: row.editedAt === null ? null : new Date(row.editedAt),
    deletedAt: row.deletedAt === null ? null : new Date(row.deletedAt),
  };
}
