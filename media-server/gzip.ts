import type { IncomingMessage } from 'node:http';

/** Also where it has a weight, unless that is 0. */
const GZIP = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i;

/** Whether the client takes an answer that is compressed (RFC 9110, 12.5.3). What depends on it says so: `vary: accept-encoding`. */
export const acceptsGzip = ({ headers }: IncomingMessage): boolean =>
  GZIP.test(String(headers['accept-encoding'] ?? ''));
