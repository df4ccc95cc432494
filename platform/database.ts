import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { Migrator } from '@mikro-orm/migrations';
import { MikroORM, type Options, type PostgreSqlDriver, type SqlEntityManager } from '@mikro-orm/postgresql';
import { DiscreetDriver } from './discreet-driver.ts';
import { EventTables, InboxPositionTable, OutboxTrace } from './events/event-tables.ts';
import { CodedError, messageOf } from './errors.ts';
import { UnclaimedFileTable } from './files/unclaimed-files.ts';
import type { Log } from './log.ts';
import { createQueryLog } from './query-log.ts';

/** An EntityManager of one unit of work: its own identity map, never shared between requests. */
export type Em = SqlEntityManager<PostgreSqlDriver>;

export interface PoolStats {
  readonly max: number;
  readonly open: number;
  readonly idle: number;
  /** Callers that wait for a connection. */
  readonly waiting: number;
}

/** One subgraph's PostgreSQL database. The owner calls `close()` once nothing uses it any more. */
export interface Database {
  readonly orm: MikroORM;
  readonly name: string;
  fork(): Em;
  /** Rejects with SERVICE_UNAVAILABLE where the database does not answer. */
  ping(): Promise<void>;
  /** Brings the schema up to date, all or nothing. Processes that start at once take turns. */
  migrate(): Promise<void>;
  /** The statements sent while `run` was running, without transaction control and without those of `background` work. */
  countQueries<T>(run: () => Promise<T>): Promise<{ result: T; queries: string[] }>;
  /** Marks the queries of a worker loop, so that `countQueries` leaves them out. */
  background<T>(run: () => Promise<T>): Promise<T>;
  poolStats(): Promise<PoolStats>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string;
  /** Name of the owner, for example `chat`: shown in the server's activity list and in errors. */
  readonly name: string;
  readonly entities: NonNullable<Options['entities']>;
  /** The owner's migrations in order; the class name is what is remembered as applied, so never rename one. */
  readonly migrations: readonly MigrationClass[];
  /** Connections at most, 10 unless given. At least 3: the outbox relay holds one while a consumer of the same database stores. */
  readonly poolMax?: number;
  readonly log: Log;
}

export type MigrationClass = Extract<
  NonNullable<NonNullable<Options['migrations']>['migrationsList']>[number],
  new (...args: never[]) => unknown
>;

const STATEMENT_TIMEOUT_MS = 30_000;
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 10_000;
const PLATFORM_TABLES = [EventTables, InboxPositionTable, OutboxTrace, UnclaimedFileTable];
// Any constant does, as long as every process of the platform uses the same one.
const MIGRATION_LOCK = 7_346_101;

/** Opens the pool and proves that the database answers. Throws SERVICE_UNAVAILABLE naming host, port and database, never the password. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const counting = new Set<string[]>();
  const backgroundWork = new AsyncLocalStorage<true>();
  const queryLog = createQueryLog(options.log, (query) => {
    if (backgroundWork.getStore() !== true) for (const queries of counting) queries.push(query);
  });
  const orm = new MikroORM(ormOptions(options, queryLog));
  const ping = () => requireAnswer(orm, options);
  await ping().catch(async (error: unknown) => {
    await orm.close(true);
    throw error;
  });
  return {
    orm,
    name: options.name,
    fork: () => orm.em.fork(),
    ping,
    migrate: () => migrate(orm),
    countQueries: (run) => countQueries(counting, run),
    background: (run) => backgroundWork.run(true, run),
    poolStats: () => poolStats(orm, options),
    close: () => orm.close(true),
  };
}

type Orm = Database['orm'];

function ormOptions(options: DatabaseOptions, logger: ReturnType<typeof createQueryLog>) {
  return {
    driver: DiscreetDriver,
    clientUrl: options.url,
    // Transactions are found by this name in the async context. With one name for all, whatever one subgraph does while it hears of another's
    // commit in the same process would run on the other's connection.
    contextName: `${options.name}-${randomUUID()}`,
    entities: options.entities,
    extensions: [Migrator],
    migrations: {
      migrationsList: [...PLATFORM_TABLES, ...options.migrations],
      snapshot: false,
    },
    loggerFactory: () => logger,
    // A subgraph may have no entity of its own; the event tables are plain SQL.
    discovery: { warnWhenNoEntities: false },
    pool: { min: 0, max: options.poolMax ?? 10 },
    driverOptions: {
      application_name: `veza-${options.name}`,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
      keepAlive: true,
    },
  } satisfies Options;
}

async function requireAnswer(orm: Orm, { url, name }: DatabaseOptions): Promise<void> {
  const connection = orm.em.getConnection();
  try {
    await connection.ensureConnection();
    await connection.execute('select 1');
  } catch (error) {
    const { host, pathname } = new URL(url);
    const message = `The database of ${name} at ${host}${pathname} cannot be used: ${reasonOf(error)}`;
    throw new CodedError('SERVICE_UNAVAILABLE', message, {}, error);
  }
}

// A refused connection to a name with several addresses has a code, but no message.
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer';
  return messageOf(error) || code;
}

async function migrate(orm: Orm): Promise<void> {
  await orm.em.fork().transactional(async (em) => {
    // Waiting for another process's migrations may take longer than a statement is allowed to.
    await em.execute('set local statement_timeout = 0');
    await em.execute('set local idle_in_transaction_session_timeout = 0');
    await em.execute('select pg_advisory_xact_lock(?)', [MIGRATION_LOCK]);
    await orm.migrator.up({ transaction: em.getTransactionContext() });
  });
}

async function countQueries<T>(
  counting: Set<string[]>,
  run: () => Promise<T>,
): Promise<{ result: T; queries: string[] }> {
  const queries: string[] = [];
  counting.add(queries);
  try {
    return { result: await run(), queries };
  } finally {
    counting.delete(queries);
  }
}

async function poolStats(orm: Orm, { poolMax = 10 }: DatabaseOptions): Promise<PoolStats> {
  const pool = await orm.em.getConnection().getNativeClient();
  return { max: poolMax, open: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount };
}
