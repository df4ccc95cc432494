import type { Database, Em } from '#platform/database.ts';
import type { OperationScope } from '#platform/subgraph.ts';
import { createDirectory, type Directory } from './service/directory.ts';
import type { LiveCounters } from './service/live-counters.ts';
import type { Plays } from './service/plays.ts';

export interface Services {
  readonly plays: Plays;
  readonly liveCounters: LiveCounters;
}

/** What the resolvers of one operation work with. */
export interface Context extends OperationScope, Services {
  readonly em: Em;
  readonly directory: Directory;
}

export function createContext(
  scope: OperationScope,
  services: Services,
  database: Database,
  now: Date,
): Context {
  const em = database.fork();
  return { ...scope, ...services, em, directory: createDirectory(em, scope.viewer, now) };
}
