import type { Em } from '#platform/database.ts';
import { keyset } from '#platform/keyset.ts';
import type { Page } from '#platform/paging.ts';
import { textArray } from '#platform/text-array.ts';
import type { LiveRoom, LiveState } from '../domain/live-room.ts';
import { LiveRoomEntity } from './live-room.entity.ts';

/** A live room with the head of its event log, read together: events behind it are not in the room's state yet. */
export interface LoggedLiveRoom extends LiveRoom {
  readonly logEpoch: number;
  readonly logSeq: number;
}

type Instant = Date | string | null;
type RoomRow = Omit<LoggedLiveRoom, 'scheduledFor' | 'startedAt' | 'endedAt'> & {
  scheduledFor: Instant;
  startedAt: Instant;
  endedAt: Instant;
};

const SELECT = `select r.id, r.host_id as "hostId", r.title, r.topic, r.chat_room_id as "chatRoomId", r.state,
    r.scheduled_for as "scheduledFor", r.started_at as "startedAt", r.ended_at as "endedAt", r.capacity, r.max_speakers as "maxSpeakers",
    r.music_mode as "musicMode", r.broadcast_audience as "broadcastAudience", coalesce(s.epoch, 0) as "logEpoch", coalesce(s.last_seq, 0)::float8 as "logSeq"
  from live_room r left join event_stream s on s.stream = 'live-room:' || r.id`;

/** Condition of a live room `r` and a user, who is given twice: one of a private chat room is for its members, as far as that chat room's events have told. */
export const VISIBLE_ROOM = `(r.chat_room_id is null or r.host_id = ?
    or not exists (select 1 from chat_room c where c.id = r.chat_room_id and c.visibility = 'PRIVATE')
    or exists (select 1 from chat_member m where m.room_id = r.chat_room_id and m.user_id = ?))`;

async function select(em: Em, clauses: string, values: readonly unknown[]): Promise<LoggedLiveRoom[]> {
  const rows = (await em.execute(`${SELECT} ${clauses}`, [...values])) as RoomRow[];
  return rows.map((row) => ({
    ...row,
    scheduledFor: toDate(row.scheduledFor),
    startedAt: toDate(row.startedAt),
    endedAt: toDate(row.endedAt),
  }));
}

const toDate = (value: Instant) => (value === null ? null : new Date(value));

/** Those of the rooms that the viewer may see. */
export function findVisibleRooms(
  em: Em,
  viewerId: string | null,
  ids: readonly string[],
): Promise<LoggedLiveRoom[]> {
  const values = [textArray(ids), viewerId, viewerId];
  return select(em, `where r.id = any(?::text[]) and ${VISIBLE_ROOM}`, values);
}

/** The LIVE rooms of these hosts, one each at most. */
export function findLiveRoomsByHost(
  em: Em,
  viewerId: string | null,
  hostIds: readonly string[],
): Promise<LoggedLiveRoom[]> {
  const values = [textArray(hostIds), viewerId, viewerId];
  return select(em, `where r.state = 'LIVE' and r.host_id = any(?::text[]) and ${VISIBLE_ROOM}`, values);
}

/** The LIVE rooms of these chat rooms, one each at most. */
export function findLiveRoomsByChatRoom(
  em: Em,
  viewerId: string | null,
  chatRoomIds: readonly string[],
): Promise<LoggedLiveRoom[]> {
  const values = [textArray(chatRoomIds), viewerId, viewerId];
  return select(em, `where r.state = 'LIVE' and r.chat_room_id = any(?::text[]) and ${VISIBLE_ROOM}`, values);
}

/** Newest first. */
export function listRooms(
  em: Em,
  viewerId: string | null,
  state: LiveState,
  page: Page,
): Promise<LoggedLiveRoom[]> {
  const byId = { columns: [{ name: 'r.id', type: 'text' }], direction: 'desc' } as const;
  const { condition, order, parameters } = keyset(page, byId);
  const values = [state, viewerId, viewerId, ...parameters, page.limit + 1];
  return select(em, `where r.state = ? and ${VISIBLE_ROOM} ${condition} order by ${order} limit ?`, values);
}

/** Ids of the LIVE rooms that go with a chat room, or that a person hosts. */
export async function findLiveRoomIds(
  em: Em,
  where: { readonly chatRoomId: string } | { readonly hostId: string },
): Promise<string[]> {
  const rows = await em.find(LiveRoomEntity, { state: 'LIVE', ...where }, { fields: ['id'] });
  return rows.map((row) => row.id);
}

/**
 * Locks the room until the transaction ends: whatever changes who is in it takes turns, so capacity and queue hold. Returns the room where the viewer
 * may see it; the platform itself, which has no viewer, sees all.
 */
export async function lockRoom(
  em: Em,
  id: string,
  viewer: { readonly viewerId: string } | 'platform',
): Promise<LoggedLiveRoom | null> {
  const locked = await em.execute('select 1 from live_room where id = ? for update', [id]);
  if (locked.length === 0) return null;
  const rooms =
    viewer === 'platform'
      ? await select(em, 'where r.id = ?', [id])
      : await findVisibleRooms(em, viewer.viewerId, [id]);
  return rooms[0] ?? null;
}

export async function insertRoom(em: Em, room: LiveRoom, createdAt: Date): Promise<void> {
  await em.insert(LiveRoomEntity, { ...room, createdAt });
}

/** Throws UniqueConstraintViolationException where the host or the chat room has another LIVE room. */
export async function saveState(em: Em, { id, state, startedAt, endedAt }: LiveRoom): Promise<void> {
  await em.nativeUpdate(LiveRoomEntity, { id }, { state, startedAt, endedAt });
}

/** Whether the room's listeners are to be counted from now on, `afterMs` from now; false where they were to be already. */
export async function markToCount(em: Em, id: string, afterMs: number): Promise<boolean> {
  const marked = await em.execute(
    `update live_room set listeners_due_at = clock_timestamp() + ? * interval '1 ms'
     where id = ? and listeners_due_at is null returning id`,
    [afterMs, id],
  );
  return marked.length > 0;
}

/** Whether it is time to count the room's listeners, which whoever is told so has to do in this transaction; the room is locked by that. */
export async function takeToCount(em: Em, id: string): Promise<boolean> {
  const taken = await em.execute(
    `update live_room set listeners_due_at = null
     where id = ? and state = 'LIVE' and listeners_due_at <= clock_timestamp() returning id`,
    [id],
  );
  return taken.length > 0;
}

/** LIVE rooms whose listeners should have been counted by now. */
export async function listRoomsToCount(em: Em): Promise<string[]> {
  const rows = await em.execute<{ id: string }[]>(
    `select id from live_room where listeners_due_at <= clock_timestamp() and state = 'LIVE'`,
  );
  return rows.map((row) => row.id);
}

export async function saveBroadcastAudience(em: Em, { id, broadcastAudience }: LiveRoom): Promise<void> {
  await em.nativeUpdate(LiveRoomEntity, { id }, { broadcastAudience });
}
