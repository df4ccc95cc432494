import type { Em } from '#platform/database.ts';
import { textArray } from '#platform/text-array.ts';
import type { SignOfLife } from '../domain/presence.ts';
import { PresenceEntity } from './presence.entity.ts';

interface PresenceRow extends Omit<SignOfLife, 'lastActiveAt' | 'expiresAt'> {
  readonly lastActiveAt: string | Date;
  readonly expiresAt: string | Date;
}

/** Signs of life of those people who have not blocked the viewer. */
export async function findPresence(
  em: Em,
  viewerId: string | null,
  userIds: readonly string[],
): Promise<SignOfLife[]> {
  const rows = await em.execute<PresenceRow[]>(
    `select p.user_id as "userId", p.status, p.activity, p.last_active_at as "lastActiveAt", p.expires_at as "expiresAt"
     from presence p where p.user_id = any(?::text[])
     and not exists (select 1 from block b where b.blocker_id = p.user_id and b.blocked_id = ?)`,
    [textArray(userIds), viewerId ?? ''],
  );
  return rows.map((row) => ({
    ...row,
    lastActiveAt: new Date(row.lastActiveAt),
    expiresAt: new Date(row.expiresAt),
  }));
}

export async function savePresence(em: Em, sign: SignOfLife): Promise<void> {
  await em.upsert(PresenceEntity, { ...sign });
}

export interface Prolongation {
  readonly now: Date;
  readonly expiresAt: Date;
  /** A sign that lasts longer than this is left as it is. */
  readonly dueBefore: Date;
}

/** As touchPresence, for one person, where it is due. Returns whether they were away until now. */
export async function prolongPresence(
  em: Em,
  userId: string,
  { now, expiresAt, dueBefore }: Prolongation,
): Promise<boolean> {
  const [sign] = await em.execute<{ isHere: boolean; isDue: boolean }[]>(
    `select expires_at > ? as "isHere", expires_at <= ? as "isDue" from presence where user_id = ?`,
    [now, dueBefore, userId],
  );
  if (sign && !sign.isDue) return false;
  await touchPresence(em, [userId], now, expiresAt);
  return !sign?.isHere;
}

/**
 * Prolongs the presence of people who are here. Who came back after their last sign had expired says nothing about what they do;
 * who chose to be OFFLINE stays so, and the moment is not kept.
 */
export async function touchPresence(
  em: Em,
  userIds: readonly string[],
  now: Date,
  expiresAt: Date,
): Promise<void> {
  // In one order: two processes that touch the same people would otherwise wait for each other.
  await em.execute(
    `insert into presence as p (user_id, status, last_active_at, expires_at)
     select id, 'ONLINE', ?, ? from unnest(?::text[]) as here(id) order by id
     on conflict (user_id) do update set
       expires_at = greatest(p.expires_at, excluded.expires_at),
       activity = case when p.expires_at <= excluded.last_active_at then null else p.activity end,
       last_active_at = case when p.status = 'OFFLINE' then p.last_active_at else excluded.last_active_at end`,
    [now, expiresAt, textArray(userIds)],
  );
}
