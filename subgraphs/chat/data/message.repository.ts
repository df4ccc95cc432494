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

export interface MessageLookup {
  /** Empty for somebody who is not signed in. */
  readonly viewerId: string;
  readonly id: string;
}

/** Each message, or null where that viewer may not see it or there is none, in the given order. */
export async function findMessagesOfEach(
  em: Em,
  lookups: readonly MessageLookup[],
): Promise<(Message | null)[]> {
  const ids = textArray(lookups.map(({ id }) => id));
  const viewerIds = textArray(lookups.map(({ viewerId }) => viewerId));
  const rows = await em.execute<(MessageRow & { place: number })[]>(
    `select ${COLUMNS}, v.place::int as place from unnest(?::text[], ?::text[]) with ordinality as v (message_id, viewer_id, place)
     join message m on m.id = v.message_id join room r on r.id = m.room_id
     where r.visibility <> 'PRIVATE' or exists (select 1 from room_member where room_id = r.id and user_id = v.viewer_id)`,
    [ids, viewerIds],
  );
  const messages = new Map(rows.map(({ place, ...row }) => [place, toMessage(row)]));
  return lookups.map((_, index) => messages.get(index + 1) ?? null);
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

/** A message of the room; the caller holds the room's lock. */
export async function findMessageIn(em: Em, roomId: string, id: string): Promise<Message | null> {
  const [row] = await em.execute<MessageRow[]>(
    `select ${COLUMNS} from message m where m.id = ? and m.room_id = ?`,
    [id, roomId],
  );
  return row ? toMessage(row) : null;
}

export interface MessageNonce {
  readonly roomId: string;
  readonly authorId: string;
  readonly clientNonce: string;
}

/** What these authors sent to these rooms under these nonces before. */
export async function findMessagesByNonce(em: Em, nonces: readonly MessageNonce[]): Promise<Message[]> {
  const rows = await em.execute<MessageRow[]>(
    `select ${COLUMNS} from unnest(?::text[], ?::text[], ?::text[]) as n (room_id, author_id, client_nonce)
     join message m on m.room_id = n.room_id and m.author_id = n.author_id and m.client_nonce = n.client_nonce`,
    [
      textArray(nonces.map(({ roomId }) => roomId)),
      textArray(nonces.map(({ authorId }) => authorId)),
      textArray(nonces.map(({ clientNonce }) => clientNonce)),
    ],
  );
  return rows.map(toMessage);
}

/** The rooms of those of the messages that exist. */
export async function findRoomIdsOfMessages(
  em: Em,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await em.execute<{ id: string; roomId: string }[]>(
    'select id, room_id as "roomId" from message where id = any(?::text[])',
    [textArray(ids)],
  );
  return new Map(rows.map(({ id, roomId }) => [id, roomId]));
}

const INSERT = `with given as (
    select * from jsonb_to_recordset(?::jsonb) as g (id text, "roomId" text, "authorId" text, content text, seq int,
      "clientNonce" text, "replyToId" text, "trackId" text, "createdAt" timestamptz)
  ), written as (
    insert into message (id, room_id, author_id, content, seq, client_nonce, reply_to_id, track_id, created_at)
    select id, "roomId", "authorId", content, seq, "clientNonce", "replyToId", "trackId", "createdAt" from given
  ), counted as (
    update room r set last_seq = g.seq from (select "roomId", max(seq) as seq from given group by "roomId") g
    where r.id = g."roomId"
  ) update room_member m set last_read_seq = g.seq, last_sent_at = g."createdAt"
    from (select distinct on ("roomId", "authorId") * from given order by "roomId", "authorId", seq desc) g
    where m.room_id = g."roomId" and m.user_id = g."authorId"`;

/** Writes the messages, counts them in their rooms, and moves their authors' markers onto them. The caller holds the rooms' locks. */
export async function insertMessages(em: Em, messages: readonly Message[]): Promise<void> {
  await em.execute(INSERT, [JSON.stringify(messages)], 'run');
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
