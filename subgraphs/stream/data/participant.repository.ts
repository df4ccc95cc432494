import { raw } from '@mikro-orm/core';
import type { LiveRole } from '#schema/live-role.ts';
import type { Em } from '#platform/database.ts';
import { pageOfEach } from '#platform/keyset.ts';
import type { Page } from '#platform/paging.ts';
import { textArray } from '#platform/text-array.ts';
import { departed, type LeaveReason, type LiveParticipant } from '../domain/participant.ts';
import { LiveParticipantEntity, type LiveParticipantRow } from './live-room.entity.ts';

export async function findParticipantsById(em: Em, ids: readonly string[]): Promise<LiveParticipant[]> {
  const rows = await em.find(LiveParticipantEntity, { id: { $in: [...ids] } }, { refresh: true });
  return rows.map(toParticipant);
}

/** One person in these rooms. */
export async function findParticipantsOf(
  em: Em,
  userId: string,
  liveRoomIds: readonly string[],
): Promise<LiveParticipant[]> {
  const where = { userId, liveRoomId: { $in: [...liveRoomIds] } };
  return (await em.find(LiveParticipantEntity, where, { refresh: true })).map(toParticipant);
}

/** Everyone connected who may speak: host, moderators, speakers, each in order of joining. */
export async function findSpeakers(em: Em, liveRoomIds: readonly string[]): Promise<LiveParticipant[]> {
  const rank = { HOST: 0, MODERATOR: 1, SPEAKER: 2, LISTENER: 3 } as const;
  const rows = await em.find(
    LiveParticipantEntity,
    {
      liveRoomId: { $in: [...liveRoomIds] },
      status: 'CONNECTED',
      role: { $in: ['HOST', 'MODERATOR', 'SPEAKER'] },
    },
    { orderBy: { id: 'asc' } },
  );
  return rows.map(toParticipant).sort((a, b) => rank[a.role] - rank[b.role]);
}

/** Those who are in the room, or on their way in, and may speak; host first. */
export async function findVoices(em: Em, liveRoomId: string): Promise<LiveParticipant[]> {
  const where = { liveRoomId, status: { $ne: 'LEFT' as const }, role: { $ne: 'LISTENER' as const } };
  return (await em.find(LiveParticipantEntity, where, { refresh: true })).map(toParticipant);
}

/** The hand that is up for the shortest time. */
export async function findLastHand(em: Em, liveRoomId: string): Promise<LiveParticipant | null> {
  const rows = await em.find(
    LiveParticipantEntity,
    { liveRoomId, handRaisedAt: { $ne: null } },
    { orderBy: { handRaisedAt: 'desc', id: 'desc' }, limit: 1, refresh: true },
  );
  return rows.map(toParticipant)[0] ?? null;
}

/** Places in the queue of those who ask to speak, from 1; who does not has none. */
export async function findHandPlaces(
  em: Em,
  participantIds: readonly string[],
): Promise<{ readonly id: string; readonly place: number }[]> {
  const ids = textArray(participantIds);
  return em.execute<{ id: string; place: number }[]>(
    `select id, place from (
       select id, (row_number() over (partition by live_room_id order by hand_raised_at, id))::int as place from live_participant
       where hand_raised_at is not null and live_room_id in (select live_room_id from live_participant where id = any(?::text[]))
     ) as queue where id = any(?::text[])`,
    [ids, ids],
  );
}

/** Raised hands, the longest waiting first. */
export async function findHands(em: Em, liveRoomIds: readonly string[]): Promise<LiveParticipant[]> {
  const rows = await em.find(
    LiveParticipantEntity,
    { liveRoomId: { $in: [...liveRoomIds] }, handRaisedAt: { $ne: null } },
    { orderBy: { handRaisedAt: 'asc', id: 'asc' }, refresh: true },
  );
  return rows.map(toParticipant);
}

export interface ListenerCount {
  readonly liveRoomId: string;
  readonly count: number;
  /** Those of them who are not told of one by one. */
  readonly unlisted: number;
}

/** A room without listeners has no row. */
export async function countListeners(em: Em, liveRoomIds: readonly string[]): Promise<ListenerCount[]> {
  return em.execute<ListenerCount[]>(
    `select live_room_id as "liveRoomId", count(*)::int as count, (count(*) filter (where not listed))::int as unlisted
     from live_participant where live_room_id = any(?::text[]) and status = 'CONNECTED' and role = 'LISTENER' group by live_room_id`,
    [textArray(liveRoomIds)],
  );
}

/** Listeners of the room who are told of one by one. */
export async function countListed(em: Em, liveRoomId: string): Promise<number> {
  return em.count(LiveParticipantEntity, { liveRoomId, status: 'CONNECTED', role: 'LISTENER', listed: true });
}

export interface ParticipantFilter {
  readonly role: LiveRole | null;
  /** A part of what they are called, in any case; null for everybody. */
  readonly name: string | null;
}

/** The name that is looked for is given three times. */
const IS_CALLED = `(?::text is null or exists (select 1 from person where person.user_id = live_participant.user_id
  and (strpos(lower(display_name), lower(?)) > 0 or strpos(lower(handle), lower(?)) > 0)))`;

/** The same page of who is connected to each room, in order of first joining. */
export async function listParticipants(
  em: Em,
  liveRoomIds: readonly string[],
  { role, name }: ParticipantFilter,
  page: Page,
): Promise<LiveParticipant[]> {
  const { from, parameters } = pageOfEach(liveRoomIds, page, {
    table: 'live_participant',
    owner: 'live_room_id',
    where: `status = 'CONNECTED' and (?::text is null or role = ?) and ${IS_CALLED}`,
    whereParameters: [role, role, name, name, name],
    order: { columns: [{ name: 'id', type: 'text' }], direction: 'asc' },
  });
  const ids = raw<string[]>(`select id from ${from}`, parameters);
  const orderBy = { id: page.direction === 'forward' ? 'asc' : 'desc' } as const;
  return (await em.find(LiveParticipantEntity, { id: { $in: ids } }, { orderBy })).map(toParticipant);
}

/** The same page of who is banned from each room, most recently banned first: by that they have left. */
export async function listBanned(
  em: Em,
  liveRoomIds: readonly string[],
  name: string | null,
  page: Page,
): Promise<LiveParticipant[]> {
  const { from, parameters } = pageOfEach(liveRoomIds, page, {
    table: 'live_participant',
    owner: 'live_room_id',
    where: `banned and ${IS_CALLED}`,
    whereParameters: [name, name, name],
    order: {
      columns: [
        { name: 'left_at', type: 'timestamptz' },
        { name: 'id', type: 'text' },
      ],
      direction: 'desc',
    },
  });
  const ids = raw<string[]>(`select id from ${from}`, parameters);
  const direction = page.direction === 'forward' ? 'desc' : 'asc';
  const orderBy = { leftAt: direction, id: direction } as const;
  return (await em.find(LiveParticipantEntity, { id: { $in: ids } }, { orderBy })).map(toParticipant);
}

/** People connected or on their way in with a grant given since `grantedSince`, the user not counted. */
export async function countOthers(
  em: Em,
  liveRoomId: string,
  userId: string,
  grantedSince: Date,
): Promise<number> {
  const [row] = await em.execute<{ count: number }[]>(
    `select count(*)::int as count from live_participant where live_room_id = ? and user_id <> ?
       and (status = 'CONNECTED' or (status = 'JOINING' and granted_at > ?))`,
    [liveRoomId, userId, grantedSince],
  );
  return row?.count ?? 0;
}

/** Connections that a media server had reported before `connectedBefore`, but for those that are known to be lost. */
export async function findConnectedTo(
  em: Em,
  serverId: string,
  connectedBefore: Date,
): Promise<LiveParticipant[]> {
  const where = {
    serverId,
    status: 'CONNECTED' as const,
    connectedAt: { $lt: connectedBefore },
    lostAt: null,
  };
  return (await em.find(LiveParticipantEntity, where)).map(toParticipant);
}

/** Whose connection was lost before `lostBefore`. */
export async function findLost(em: Em, lostBefore: Date): Promise<LiveParticipant[]> {
  return (await em.find(LiveParticipantEntity, { lostAt: { $lte: lostBefore } })).map(toParticipant);
}

/** Media servers that somebody is connected to. */
export async function listServerIds(em: Em): Promise<string[]> {
  const rows = await em.execute<{ id: string }[]>(
    `select distinct server_id as id from live_participant where status = 'CONNECTED' and lost_at is null`,
  );
  return rows.map((row) => row.id);
}

export async function insertParticipant(em: Em, participant: LiveParticipant): Promise<void> {
  await em.insert(LiveParticipantEntity, participant);
}

export async function saveParticipant(
  em: Em,
  id: string,
  changes: Partial<Omit<LiveParticipant, 'id' | 'liveRoomId' | 'userId' | 'joinedAt'>>,
): Promise<void> {
  await em.nativeUpdate(LiveParticipantEntity, { id }, changes);
}

/** Marks everyone in the room as gone. */
export async function clearRoom(em: Em, liveRoomId: string, reason: LeaveReason, now: Date): Promise<void> {
  const where = { liveRoomId, status: { $ne: 'LEFT' as const } };
  await em.nativeUpdate(LiveParticipantEntity, where, departed(reason, now));
}

function toParticipant(row: LiveParticipantRow): LiveParticipant {
  return {
    ...row,
    connectedAt: row.connectedAt ?? null,
    serverId: row.serverId ?? null,
    lostAt: row.lostAt ?? null,
    lostReason: row.lostReason ?? null,
    leftAt: row.leftAt ?? null,
    leaveReason: row.leaveReason ?? null,
    handRaisedAt: row.handRaisedAt ?? null,
    handBusyUntil: row.handBusyUntil ?? null,
    invitedAt: row.invitedAt ?? null,
  };
}
