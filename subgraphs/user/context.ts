import type { Database } from '#platform/database.ts';
import type { FileStore } from '#platform/files/file-store.ts';
import type { OperationScope } from '#platform/subgraph.ts';
import type { Accounts } from './service/accounts.ts';
import { createDirectory, type Directory } from './service/directory.ts';
import type { Profiles } from './service/profiles.ts';
import type { Relations } from './service/relations.ts';
import type { Sessions } from './service/sessions.ts';

export interface Services {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly profiles: Profiles;
  readonly relations: Relations;
  readonly files: FileStore;
}

/** What the resolvers of one operation work with. */
export interface Context extends OperationScope, Services {
  readonly directory: Directory;
}

export function createContext(scope: OperationScope, services: Services, database: Database): Context {
  const directory = createDirectory(database.fork(), scope.viewer?.userId ?? null, new Date());
  return { ...scope, ...services, directory };
}
