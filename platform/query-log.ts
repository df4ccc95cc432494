import type { Logger } from '@mikro-orm/core';
import type { Log } from './log.ts';

const SLOW_QUERY_MS = 1_000;
const TRANSACTION_CONTROL = /^(begin|commit|rollback|savepoint|release|set )/i;

/** The ORM's logger on top of ours: statements at `trace` without their values, slow ones as warnings. `onQuery` sees every statement. */
export function createQueryLog(log: Log, onQuery: (query: string) => void): Logger {
  return {
    log: (namespace, message) => log.debug({ namespace }, message),
    error: (namespace, message) => log.error({ namespace }, message),
    warn: (namespace, message) => log.warn({ namespace }, message),
    setDebugMode: () => undefined,
    // Asking for values would put private data into the log.
    isEnabled: (namespace) => namespace !== 'query-params',
    logQuery({ query = '', took = 0 }) {
      if (TRANSACTION_CONTROL.test(query)) return;
      onQuery(query);
      if (took >= SLOW_QUERY_MS) log.warn({ query, tookMs: took }, 'slow query');
      else log.trace({ query, tookMs: took }, 'query');
    },
  };
}
