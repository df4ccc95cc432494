import { join } from 'node:path';
import { databaseUrlOf } from '#platform/database-url.ts';
import type { Log } from '#platform/log.ts';
import { startEmbeddedPostgres } from '#platform/postgres/embedded-postgres.ts';
import { SUBGRAPHS, type PlatformEnvironment, type SubgraphName } from './environment.ts';

export interface Databases {
  /** What serves them, for a person to read. */
  readonly description: string;
  urlOf(subgraph: SubgraphName): string;
  close(): Promise<void>;
}

/** The servers that the environment names, or an embedded one where it names none. Naming only some of them is refused. */
export async function openDatabases(
  environment: PlatformEnvironment,
  dataDir: string,
  log: Log,
): Promise<Databases> {
  const named = SUBGRAPHS.some((name) => variableOf(environment, name));
  if (environment.DATABASE_URL || named) {
    const urls = new Map(SUBGRAPHS.map((name) => [name, databaseUrlOf(name, environment)]));
    return { description: 'your PostgreSQL', urlOf: (name) => urls.get(name)!, close: async () => undefined };
  }
  const server = await startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres'), log });
  return {
    description: `embedded PostgreSQL on port ${server.port}`,
    urlOf: (name) => server.url(`veza_${name}`),
    close: () => server.stop(),
  };
}

const variableOf = (environment: Readonly<Record<string, unknown>>, name: SubgraphName) =>
  environment[`${name.toUpperCase()}_DATABASE_URL`];
