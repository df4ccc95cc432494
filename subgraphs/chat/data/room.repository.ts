import type { Em } from '#platform/database.ts';
import { keyset } from '#platform/keyset.ts';
import type { Page } from '#platform/paging.ts';
import { textArray } from '#platform/text-array.ts';
import type { RoomRole } from '../domain/membership.ts';
import type { Room, RoomKind, RoomSettings, Visibility } from '../domain/room.ts';
import { RoomEntity } from './room.entity.ts';

interface RoomRow {
  readonly viewerId: string;
  readonly id: string;
  readonly kind: RoomKind;
  readonly name: string | null;
  readonly topic: string | null;
  readonly visibility: Visibility;
  readonly creatorId: string;
  readonly memberCount: number;
  readonly lastSeq: number;
  readonly slowModeSeconds: number;
  readonly createdAt: string | Date;
  readonly epoch: number;
  readonly eventSeq: number;
  readonly role: RoomRole | null;
  readonly joinedAt: string | Date | null;
  readonly lastReadSeq: number | null;
  readonly lastSentAt: string | Date | null;
  readonly banned: boolean;
  readonly blocked: boolean;
}

// The room, the head of its log, and how the viewer stands to it.
const COLUMNS = `v.viewer_id as "viewerId", r.id, r.kind, r.name, r.topic, r.visibility, r.creator_id as "creatorId",
  r.member_count as "memberCount", r.last_seq as "lastSeq", r.slow_mode_seconds as "slowModeSeconds",
  r.created_at as "createdAt", coalesce(s.epoch, 0) as epoch, coalesce(s.last_seq, 0)::float8 as "eventSeq",
  m.role, m.joined_at as "joinedAt", m.last_read_seq as "lastReadSeq", m.last_sent_at as "lastSentAt",
  b.room_id is not null as banned,
  r.kind = 'DIRECT' and exists (select 1 from block where blocker_id in (r.direct_low_id, r.direct_high_id)
    and blocked_id in (r.direct_low_id, r.direct_high_id)) as blocked`;
const STANDING = `left join event_stream s on s.stream = 'room:' || r.id
  left join room_member m on m.room_id = r.id and m.user_id = v.viewer_id
  left join room_ban b on b.room_id = r.id and b.user_id = v.viewer_id`;

/** Rooms as the viewer stands to them; also those that do not exist for the viewer. */
export async function findRooms(em: Em, viewerId: string | null, ids: readonly string[]): Promise<Room[]> {
  const userId = viewerId ?? '';
  const rooms = await findRoomsOfEach(
    em,
    ids.map((roomId) => ({ roomId, userId })),
  );
  return rooms.filter((room) => room !== null);
}

/** As findRooms, for many viewers: each room as that person stands to it, or null where there is none, in the given order. */
export async function findRoomsOfEach(
  em: Em,
  standings: readonly { readonly roomId: string; readonly userId: string }[],
): Promise<(Room | null)[]> {
  const roomIds = textArray(standings.map(({ roomId }) => roomId));
  const userIds = textArray(standings.map(({ userId }) => userId));
  const rows = await em.execute<(RoomRow & { place: number })[]>(
    `select ${COLUMNS}, v.place::int as place from unnest(?::text[], ?::text[]) with ordinality as v (room_id, viewer_id, place)
     join room r on r.id = v.room_id ${STANDING}`,
    [roomIds, userIds],
  );
  const rooms = new Map(rows.map(({ place, ...row }) => [place, toRoom(row)]));
  return standings.map((_, index) => rooms.get(index + 1) ?? null);
}

/**
 * Locks the room until the transaction ends, then reads it. Everything that changes a room, its members or its messages takes this lock first,
 * so writers of one room take turns. Two statements, because one would read the joined rows as they were before it waited for the lock.
 */
export async function lockRoom(em: Em, viewerId: string, id: string): Promise<Room | null> {
  await lockRooms(em, [id], 'wait');
  const [room] = await findRooms(em, viewerId, [id]);
  return room ?? null;
}

/** Locks those of the rooms that exist, as lockRoom does; `skip` passes over those that somebody else has locked. The ids of the locked ones. */
export async function lockRooms(
  em: Em,
  ids: readonly string[],
  ifLocked: 'wait' | 'skip',
): Promise<ReadonlySet<string>> {
  const rows = await em.execute<{ id: string }[]>(
    `select id from room where id = any(?::text[]) order by id for no key update ${ifLocked === 'skip' ? 'skip locked' : ''}`,
    [textArray(ids)],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Public channels whose name or topic contains `text`, newest first. */
export async function listPublicRooms(
  em: Em,
  viewerId: string | null,
  text: string | null,
  page: Page,
): Promise<Room[]> {
  const { condition, order, parameters } = keyset(page, {
    columns: [{ name: 'r.id', type: 'text' }],
    direction: 'desc',
  });
  const search = text === null ? '' : `and r.search_text like ?`;
  const pattern = text === null ? [] : [`%${text.toLowerCase().replaceAll(/[\\%_]/g, '\\$&')}%`];
  const rows = await em.execute<RoomRow[]>(
    `select ${COLUMNS} from room r cross join (values (?::text)) as v (viewer_id) ${STANDING}
     where r.visibility = 'PUBLIC' ${search} ${condition} order by ${order} limit ?`,
    [viewerId ?? '', ...pattern, ...parameters, page.limit + 1],
  );
  return rows.map(toRoom);
}

export interface RoomToInsert extends RoomSettings {
  readonly id: string;
  readonly kind: RoomKind;
  readonly creatorId: string;
  readonly createdAt: Date;
}

export async function insertRoom(em: Em, room: RoomToInsert): Promise<void> {
  await em.insert(RoomEntity, { ...room });
}

/** False where the two people have a direct room already; it is committed by then, even if it was made at the same moment. */
export async function insertDirectRoom(
  em: Em,
  room: RoomToInsert,
  pair: readonly [low: string, high: string],
): Promise<boolean> {
  const rows = await em.execute<unknown[]>(
    `insert into room (id, kind, visibility, creator_id, direct_low_id, direct_high_id, created_at)
     values (?, 'DIRECT', 'PRIVATE', ?, ?, ?, ?) on conflict (direct_low_id, direct_high_id) do nothing returning id`,
    [room.id, room.creatorId, ...pair, room.createdAt],
  );
  return rows.length === 1;
}

export async function findDirectRoomId(
  em: Em,
  [low, high]: readonly [low: string, high: string],
): Promise<string | null> {
  const rows = await em.execute<{ id: string }[]>(
    'select id from room where direct_low_id = ? and direct_high_id = ?',
    [low, high],
  );
  return rows[0]?.id ?? null;
}

export async function saveRoom(em: Em, id: string, settings: RoomSettings): Promise<void> {
  const { name, topic, visibility, slowModeSeconds } = settings;
  await em.nativeUpdate(RoomEntity, { id }, { name, topic, visibility, slowModeSeconds });
}

function toRoom(row: RoomRow): Room {
  const { viewerId, id, kind, name, topic, visibility, creatorId, memberCount, lastSeq, slowModeSeconds } =
    row;
  const { epoch, eventSeq, role, joinedAt, banned, blocked } = row;
  const membership =
    role === null || joinedAt === null
      ? null
      : {
          roomId: id,
          userId: viewerId,
          role,
          joinedAt: new Date(joinedAt),
          lastReadSeq: row.lastReadSeq ?? 0,
          lastSentAt: row.lastSentAt === null ? null : new Date(row.lastSentAt),
          roomKind: kind,
          roomLastSeq: lastSeq,
        };
  return {
    id,
    kind,
    name,
    topic,
    visibility,
    creatorId,
    memberCount,
    lastSeq,
    slowModeSeconds,
    createdAt: new Date(row.createdAt),
    position: { epoch, seq: eventSeq },
    viewer: { membership, banned, blocked },
  };
}
