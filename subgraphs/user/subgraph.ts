import { createEndpoint } from '#platform/subgraph.ts';
import type { Foundation, Subgraph, SubgraphDefinition } from '#platform/subgraph-process.ts';
import { createContext, type Services } from './context.ts';
import { Account } from './data/account.entity.ts';
import { SessionPurgeIndexes } from './data/migrations/session-purge-indexes.ts';
import { UserTables } from './data/migrations/user-tables.ts';
import { Block, Follow } from './data/relation.entity.ts';
import { SESSION_PURGES } from './data/session-purge.ts';
import { listRevokedSince } from './data/session.repository.ts';
import { RefreshToken, SessionEntity } from './data/session.entity.ts';
import { SigningKey } from './data/signing-key.entity.ts';
import { resolvers } from './resolvers/resolvers.ts';
import { jwksRoute, revokedSessionsRoute } from './routes.ts';
import { seed } from './seed.ts';
import { createAccounts } from './service/accounts.ts';
import { createKeyRing, type KeyRing } from './service/key-ring.ts';
import { createProfiles } from './service/profiles.ts';
import { createRelations } from './service/relations.ts';
import { createSessions } from './service/sessions.ts';

export interface UserSubgraph extends Subgraph {
  readonly keys: KeyRing;
  /** Sessions that were ended since a moment, in milliseconds since 1970. */
  revokedSessions(sinceMs: number): Promise<{ sessionId: string }[]>;
}

/** Accounts, sessions, profiles, who follows and blocks whom. */
export function userSubgraph(): SubgraphDefinition<UserSubgraph> {
  return {
    name: 'user',
    entities: [Account, SessionEntity, RefreshToken, Follow, Block, SigningKey],
    migrations: [UserTables, SessionPurgeIndexes],
    purges: SESSION_PURGES,
    create: createUserSubgraph,
  };
}

function createUserSubgraph(foundation: Foundation): UserSubgraph {
  const { database, secret, log } = foundation;
  const keys = createKeyRing({ database, secret });
  const sessions = createSessions({ ...foundation, keys });
  const services: Services = {
    sessions,
    accounts: createAccounts({ ...foundation, keys, sessions }),
    profiles: createProfiles(foundation),
    relations: createRelations(foundation),
    files: foundation.files,
  };
  const endpoint = createEndpoint({
    schemaFile: new URL('schema.graphql', import.meta.url),
    resolvers,
    createContext: (scope) => createContext(scope, services, database),
    secret,
    log,
  });
  const revokedSessions = async (sinceMs: number) =>
    (await listRevokedSince(database.fork(), new Date(sinceMs))).map((sessionId) => ({ sessionId }));
  const routes = [jwksRoute(keys), revokedSessionsRoute(revokedSessions, secret)];
  return { endpoint, keys, revokedSessions, routes, seed: () => seed(services, database) };
}
