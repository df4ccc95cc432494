import type { Em } from '#platform/database.ts';
import { keyset, pageOfEach, type ListOrder } from '#platform/keyset.ts';
import type { Page } from '#platform/paging.ts';
import { textArray } from '#platform/text-array.ts';
import type { Ban, Membership, RoomRole } from '../domain/membership.ts';
import type { RoomKind } from '../domain/room.ts';
import { RoomBan, RoomMember } from './room.entity.ts';

interface MemberRow {
  readonly roomId: string;
  readonly userId: string;
  readonly role: RoomRole;
  readonly joinedAt: string | Date;
  readonly lastReadSeq: number;
  readonly lastSentAt: string | Date | null;
  readonly roomKind: RoomKind;
  readonly roomLastSeq: number;
}

const COLUMNS = `m.room_id as "roomId", m.user_id as "userId", m.role, m.joined_at as "joinedAt",
  m.last_read_seq as "lastReadSeq", m.last_sent_at as "lastSentAt", r.kind as "roomKind", r.last_seq as "roomLastSeq"`;
const WITH_ROOM = 'join room r on r.id = m.room_id';

const ORDER_IN_ROOM: ListOrder = {
  columns: [
    { name: 'm.joined_at', type: 'timestamptz' },
    { name: 'm.user_id', type: 'text' },
  ],
  direction: 'asc',
};

const ORDER_OF_USER: ListOrder = {
  columns: [
    { name: 'm.joined_at', type: 'timestamptz' },
    { name: 'm.room_id', type: 'text' },
  ],
  direction: 'desc',
};

/** The same page of each room's members, in the order of joining. */
export const listMembers = (em: Em, roomIds: readonly string[], page: Page): Promise<Membership[]> =>
  list(em, 'm.room_id', ORDER_IN_ROOM, roomIds, page);

/** The same page of each person's memberships, most recent first. */
export const listMemberships = (em: Em, userIds: readonly string[], page: Page): Promise<Membership[]> =>
  list(em, 'm.user_id', ORDER_OF_USER, userIds, page);

async function list(
  em: Em,
  owner: string,
  by: ListOrder,
  ownerIds: readonly string[],
  page: Page,
): Promise<Membership[]> {
  const source = { table: 'room_member', alias: 'm', owner, order: by };
  const { from, order, parameters } = pageOfEach(ownerIds, page, source);
  const rows = await em.execute<MemberRow[]>(
    `select ${COLUMNS} from ${from} ${WITH_ROOM} order by ${order}`,
    parameters,
  );
  return rows.map(toMembership);
}

export async function findMembership(em: Em, roomId: string, userId: string): Promise<Membership | null> {
  const [row] = await em.execute<MemberRow[]>(
    `select ${COLUMNS} from room_member m ${WITH_ROOM} where m.room_id = ? and m.user_id = ?`,
    [roomId, userId],
  );
  return row ? toMembership(row) : null;
}

/** Adds people to a room, everything so far counting as read. The caller holds the room's lock, and knows that none of them is in it. */
export async function insertMembers(
  em: Em,
  roomId: string,
  members: readonly { readonly userId: string; readonly role: RoomRole }[],
  joinedAt: Date,
): Promise<void> {
  const users = textArray(members.map(({ userId }) => userId));
  const roles = textArray(members.map(({ role }) => role));
  await em.execute(
    `with added as (
       insert into room_member (room_id, user_id, role, joined_at, last_read_seq)
       select r.id, n.user_id, n.role, ?, r.last_seq from room r, unnest(?::text[], ?::text[]) as n(user_id, role)
       where r.id = ? returning 1
     ) update room set member_count = member_count + (select count(*) from added) where id = ?`,
    [joinedAt, users, roles, roomId, roomId],
  );
}

/** False where the person was not in the room. The caller holds the room's lock. */
export async function deleteMember(em: Em, roomId: string, userId: string): Promise<boolean> {
  const count = await em.nativeDelete(RoomMember, { roomId, userId });
  if (count === 1) await em.execute('update room set member_count = member_count - 1 where id = ?', [roomId]);
  return count === 1;
}

/** The caller holds the room's lock, without which two owners could step down at once. */
export const countOwners = (em: Em, roomId: string): Promise<number> =>
  em.count(RoomMember, { roomId, role: 'OWNER' });

export async function saveRole(em: Em, roomId: string, userId: string, role: RoomRole): Promise<void> {
  await em.nativeUpdate(RoomMember, { roomId, userId }, { role });
}

/** Moves the marker forward, at most onto the newest message. The new place, or null where it is there already. */
export async function moveReadMarker(
  em: Em,
  roomId: string,
  userId: string,
  upToSeq: number,
): Promise<number | null> {
  const rows = await em.execute<{ lastReadSeq: number }[]>(
    `update room_member m set last_read_seq = least(?::int, r.last_seq) from room r
     where r.id = m.room_id and m.room_id = ? and m.user_id = ? and m.last_read_seq < least(?::int, r.last_seq)
     returning m.last_read_seq as "lastReadSeq"`,
    [upToSeq, roomId, userId, upToSeq],
  );
  return rows[0]?.lastReadSeq ?? null;
}

/** False where the person was banned already. */
export async function insertBan(
  em: Em,
  roomId: string,
  userId: string,
  bannedById: string,
  createdAt: Date,
): Promise<boolean> {
  const rows = await em.execute<unknown[]>(
    `insert into room_ban (room_id, user_id, banned_by_id, created_at) values (?, ?, ?, ?)
     on conflict do nothing returning user_id`,
    [roomId, userId, bannedById, createdAt],
  );
  return rows.length === 1;
}

/** False where there was no ban. */
export async function deleteBan(em: Em, roomId: string, userId: string): Promise<boolean> {
  return (await em.nativeDelete(RoomBan, { roomId, userId })) === 1;
}

export async function isBanned(em: Em, roomId: string, userId: string): Promise<boolean> {
  return (await em.count(RoomBan, { roomId, userId })) === 1;
}

/** Bans of a room, most recent first. */
export async function listBans(em: Em, roomId: string, page: Page): Promise<Ban[]> {
  const { condition, order, parameters } = keyset(page, {
    columns: [
      { name: 'created_at', type: 'timestamptz' },
      { name: 'user_id', type: 'text' },
    ],
    direction: 'desc',
  });
  const rows = await em.execute<{ userId: string; bannedById: string; createdAt: string | Date }[]>(
    `select user_id as "userId", banned_by_id as "bannedById", created_at as "createdAt" from room_ban
     where room_id = ? ${condition} order by ${order} limit ?`,
    [roomId, ...parameters, page.limit + 1],
  );
  return rows.map((row) => ({ ...row, createdAt: new Date(row.createdAt) }));
}

const toMembership = (row: MemberRow): Membership => ({
  ...row,
  joinedAt: new Date(row.joinedAt),
  lastSentAt: row.lastSentAt === null ? null : new Date(row.lastSentAt),
});
