import { LockMode } from '@mikro-orm/core';
import type { Em } from '#platform/database.ts';
import { textArray } from '#platform/text-array.ts';
import type { Failures } from '../domain/session.ts';
import type { PlatformRole, Profile, User } from '../domain/user.ts';
import { Account, type AccountRow } from './account.entity.ts';

export interface Credentials {
  readonly user: User;
  readonly passwordHash: string;
  readonly failures: Failures;
}

export interface NewAccount {
  readonly id: string;
  readonly handle: string;
  readonly email: string;
  readonly displayName: string;
  readonly passwordHash: string;
  readonly roles: readonly PlatformRole[];
  readonly createdAt: Date;
}

export async function findUsersById(em: Em, ids: readonly string[]): Promise<User[]> {
  return (await em.find(Account, { id: { $in: [...ids] } })).map(toUser);
}

export async function findUsersByHandle(em: Em, handles: readonly string[]): Promise<User[]> {
  return (await em.find(Account, { handle: { $in: [...handles] } })).map(toUser);
}

/** The account with what a sign-in needs, locked until the transaction ends, so that failures are counted one by one. */
export async function lockCredentials(
  em: Em,
  where: { email: string } | { id: string },
): Promise<Credentials | null> {
  const row = await em.findOne(Account, where, { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true });
  if (!row) return null;
  const failures = { count: row.failureCount, since: row.failuresSince ?? null };
  return { user: toUser(row), passwordHash: row.passwordHash, failures };
}

/** False where the handle or the e-mail address is taken: the constraint decides, so two at once cannot both win. */
export async function insertAccount(em: Em, account: NewAccount): Promise<boolean> {
  const rows = await em.execute(
    `insert into account (id, handle, email, display_name, password_hash, roles, created_at)
     values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing returning id`,
    [
      account.id,
      account.handle,
      account.email,
      account.displayName,
      account.passwordHash,
      textArray(account.roles),
      account.createdAt,
    ],
  );
  return rows.length === 1;
}

export async function findTaken(
  em: Em,
  handle: string,
  email: string,
): Promise<{ handle: boolean; email: boolean }> {
  const rows = await em.find(Account, { $or: [{ handle }, { email }] });
  return {
    handle: rows.some((row) => row.handle === handle),
    email: rows.some((row) => row.email === email),
  };
}

export async function saveProfile(em: Em, id: string, profile: Profile): Promise<void> {
  const { displayName, bio, links } = profile;
  await em.nativeUpdate(Account, { id }, { displayName, bio, links: [...links] });
}

/** Returns the key that it takes the place of. */
export async function saveAvatar(em: Em, id: string, avatarKey: string): Promise<string | null> {
  const [row] = await em.execute<{ key: string | null }[]>(
    `update account a set avatar_key = ? from (select id, avatar_key as key from account where id = ? for update) former
     where a.id = former.id returning former.key`,
    [avatarKey, id],
  );
  return row?.key ?? null;
}

export async function saveRoles(em: Em, id: string, roles: readonly PlatformRole[]): Promise<void> {
  await em.nativeUpdate(Account, { id }, { roles: [...roles] });
}

export async function savePassword(em: Em, id: string, passwordHash: string): Promise<void> {
  await em.nativeUpdate(Account, { id }, { passwordHash });
}

export async function saveFailures(em: Em, id: string, { count, since }: Failures): Promise<void> {
  await em.nativeUpdate(Account, { id }, { failureCount: count, failuresSince: since });
}

/** How many administrators there are besides `id`; the lock keeps two of them from stepping down at once. */
export async function countOtherAdmins(em: Em, id: string): Promise<number> {
  const rows = await em.execute(`select id from account where 'ADMIN' = any(roles) order by id for update`);
  return (rows as { id: string }[]).filter((row) => row.id !== id).length;
}

function toUser(row: AccountRow): User {
  const { id, handle, displayName, links, email, roles, followerCount, followingCount, createdAt } = row;
  const bio = row.bio ?? null;
  const avatarKey = row.avatarKey ?? null;
  return {
    id,
    handle,
    displayName,
    bio,
    links,
    avatarKey,
    email,
    roles,
    followerCount,
    followingCount,
    createdAt,
  };
}
