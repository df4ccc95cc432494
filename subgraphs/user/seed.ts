import { DEMO_PASSWORD, DEMO_USERS } from '#platform/demo.ts';
import type { Database } from '#platform/database.ts';
import type { Services } from './context.ts';
import { findUsersById } from './data/user.repository.ts';

const NO_CLIENT = { ipAddress: null, userAgent: null };

/** The people of the demo: accounts with known ids, profiles, and who follows whom. What a killed start left out is filled in. */
export async function seed({ accounts, profiles, relations }: Services, database: Database): Promise<void> {
  const present = new Set(
    (
      await findUsersById(
        database.fork(),
        DEMO_USERS.map(({ id }) => id),
      )
    ).map(({ id }) => id),
  );
  for (const { id, handle, displayName, email, bio, roles } of DEMO_USERS) {
    if (present.has(id)) continue;
    await accounts.register({ handle, displayName, email, password: DEMO_PASSWORD }, NO_CLIENT, {
      id,
      roles,
    });
    await profiles.update(viewerOf(id), { bio });
  }
  if (present.size === DEMO_USERS.length) return;
  for (const follower of DEMO_USERS) {
    for (const followed of DEMO_USERS) {
      if (follower !== followed) await relations.follow(viewerOf(follower.id), followed.id);
    }
  }
}

const viewerOf = (userId: string) => ({ userId, sessionId: 'seed', roles: [] });
