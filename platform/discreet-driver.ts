import type { DriverException } from '@mikro-orm/core';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { ReleasingConnection } from './releasing-connection.ts';

const MALFORMED_MESSAGE = 'invalid message format';
const CHARACTER_NOT_IN_REPERTOIRE = '22021';

/**
 * PostgreSQL's driver with errors that can be logged. PostgreSQL repeats the row in what it says of a violated constraint, and rows hold e-mail
 * addresses and password hashes. A NUL in a value breaks the message that carries the statement; it is reported as the unfit value that it is.
 */
export class DiscreetDriver extends PostgreSqlDriver {
  protected override readonly connection = new ReleasingConnection(this.config);

  override convertException(
    exception: Error & { detail?: string; where?: string; code?: string },
  ): DriverException {
    delete exception.detail;
    delete exception.where;
    if (exception.message === MALFORMED_MESSAGE) exception.code = CHARACTER_NOT_IN_REPERTOIRE;
    return super.convertException(exception);
  }
}
