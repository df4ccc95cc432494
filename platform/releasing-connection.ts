import type { LogContext } from '@mikro-orm/core';
import { PostgreSqlConnection } from '@mikro-orm/postgresql';
import { recordQuery, serverAttributes } from './tracing/query-spans.ts';

type Dialect = ReturnType<PostgreSqlConnection['createKyselyDialect']>;
type BeginOptions = Parameters<PostgreSqlConnection['begin']>[0];
type Transaction = Awaited<ReturnType<PostgreSqlConnection['begin']>>;
type CommitOthers = Parameters<PostgreSqlConnection['commit']> extends [unknown, ...infer O] ? O : never;
type Driver = ReturnType<Dialect['createDriver']>;

/**
 * Gives the connection of a transaction back to the pool also where the server has dropped it. The query builder below keeps a connection on which
 * `begin` or `rollback` fails: each failover would take as many from the pool as there were transactions.
 */
export class ReleasingConnection extends PostgreSqlConnection {
  readonly #server = serverAttributes(this.getConnectionOptions());

  override executeQuery<T>(query: string, run: () => Promise<T>, context?: LogContext): Promise<T> {
    return recordQuery(this.#server, query, () => super.executeQuery(query, run, context));
  }

  /** The wait for a connection is a part of it. */
  override begin(options?: BeginOptions): Promise<Transaction> {
    return recordQuery(this.#server, options?.ctx ? 'savepoint' : 'begin', () => super.begin(options));
  }

  override commit(transaction: Transaction, ...others: CommitOthers): Promise<void> {
    const command = 'savepointName' in transaction ? 'release' : 'commit';
    return recordQuery(this.#server, command, () => super.commit(transaction, ...others));
  }

  override createKyselyDialect(
    overrides: Parameters<PostgreSqlConnection['createKyselyDialect']>[0],
  ): Dialect {
    const dialect = super.createKyselyDialect(overrides);
    const createDriver = dialect.createDriver.bind(dialect);
    dialect.createDriver = () => releasing(createDriver());
    return dialect;
  }
}

function releasing(driver: Driver): Driver {
  const begin = driver.beginTransaction.bind(driver);
  const rollback = driver.rollbackTransaction.bind(driver);
  driver.beginTransaction = async (connection, settings) => {
    try {
      await begin(connection, settings);
    } catch (error) {
      await driver.releaseConnection(connection);
      throw error;
    }
  };
  // What was dropped is rolled back, and the pool keeps no connection that is dead. Why it failed is what the transaction itself rejects with.
  driver.rollbackTransaction = (connection) => rollback(connection).catch(() => undefined);
  return driver;
}
