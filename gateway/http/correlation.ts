import { randomUUID } from 'node:crypto';

/** Request and response header that ties a client's report to log lines of every process. */
export const CORRELATION_HEADER = 'x-correlation-id';

// Ids end up in logs and in headers to subgraphs, so that only harmless characters pass.
const SANE = /^[\w.:-]{8,128}$/;

/** The client's own id where it is usable, else a new one. */
export function correlationIdOf(given: unknown): string {
  return typeof given === 'string' && SANE.test(given) ? given : randomUUID();
}
