import type { Em } from '#platform/database.ts';
import { idsOf } from '#platform/ids.ts';
import { createListLoader, createLoader, type ListLoader, type Loader } from '#platform/loader.ts';
import {
  mapConnection,
  parsePage,
  toConnection,
  type Connection,
  type Page,
  type PageArgs,
} from '#platform/paging.ts';
import { idKey, instantKey } from '#platform/sort-keys.ts';
import {
  findViewerRelations,
  listRelated,
  type RelatedUser,
  type RelationList,
} from '../data/relation.repository.ts';
import { findSessionsById, listSessions } from '../data/session.repository.ts';
import { findUsersByHandle, findUsersById } from '../data/user.repository.ts';
import type { Session } from '../domain/session.ts';
import { isHandle, type User } from '../domain/user.ts';

/** Reads of one operation: its loaders batch and remember, so it must not outlive the operation. */
export interface Directory {
  readonly usersById: Loader<User>;
  readonly usersByHandle: Loader<User>;
  readonly sessionsById: Loader<Session>;
  /** How the viewer stands to a user; null for a caller who is not signed in. */
  relationTo(userId: string): Promise<{ readonly follows: boolean; readonly blocked: boolean } | null>;
  related(list: RelationList, userId: string, args: PageArgs): Promise<Connection<User>>;
  sessionsOf(userId: string, args: PageArgs): Promise<Connection<Session>>;
}

export function createDirectory(em: Em, viewerId: string | null, now: Date): Directory {
  const usersById = createLoader(
    (ids) => findUsersById(em, idsOf('User', ids)),
    (user: User) => user.id,
  );
  const relations = createLoader(
    (ids) => findViewerRelations(em, viewerId ?? '', ids),
    (relation) => relation.userId,
  );
  const relatedUsers = createListLoader(
    (ownerIds, { list, page }: RelationPage) => listRelated(em, list, ownerIds, page),
    (row) => row.ownerId,
  );
  return {
    usersById,
    usersByHandle: createLoader(
      (handles) => findUsersByHandle(em, handles.filter(isHandle)),
      (user) => user.handle,
    ),
    sessionsById: createLoader(
      (ids) => findSessionsById(em, idsOf('Session', ids)),
      (session) => session.id,
    ),
    relationTo: (userId) => (viewerId === null ? Promise.resolve(null) : relations.load(userId)),
    related: (list, userId, args) => related(relatedUsers, usersById, list, userId, args),
    async sessionsOf(userId, args) {
      const page = parsePage(args, { keys: [instantKey, idKey('Session')] });
      const rows = await listSessions(em, userId, page, now);
      return toConnection(rows, page, (session) => [session.lastSeenAt.toISOString(), session.id]);
    },
  };
}

interface RelationPage {
  readonly list: RelationList;
  readonly page: Page;
}

async function related(
  relatedUsers: ListLoader<RelationPage, RelatedUser>,
  usersById: Loader<User>,
  list: RelationList,
  userId: string,
  args: PageArgs,
): Promise<Connection<User>> {
  const page = parsePage(args, { keys: [instantKey, idKey('User')] });
  const rows = await relatedUsers.load(userId, { list, page });
  const connection = toConnection(rows, page, (row) => [row.createdAt.toISOString(), row.userId]);
  const users = new Map<string, User>();
  for (const user of await usersById.loadMany(connection.nodes.map((row) => row.userId))) {
    if (user && !(user instanceof Error)) users.set(user.id, user);
  }
  // A foreign key holds each relation to an account, so every row has its user.
  return mapConnection(connection, (row) => users.get(row.userId)!);
}
