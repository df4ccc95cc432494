import type { IncomingMessage, ServerResponse } from 'node:http';
import { CORRELATION_HEADER } from './correlation.ts';

export interface Cors {
  /** Whether a page at the request's `Origin` may call: no origin, the gateway's own, or one of the list. */
  allows(request: IncomingMessage): boolean;
  /** What every answer tells a browser, names and values in turn; errors, too, so that a page can read them. */
  headersFor(request: IncomingMessage): readonly string[];
  /** Answers an OPTIONS request. */
  preflight(request: IncomingMessage, response: ServerResponse): void;
}

const METHODS = 'GET, POST, PUT, DELETE, OPTIONS';
const VARYING = ['vary', 'origin, accept, accept-encoding'];
const EXPOSED = ['access-control-expose-headers', `${CORRELATION_HEADER}, retry-after`];
const PREFLIGHT_MAX_AGE_S = 86_400;

/**
 * `origins` are exact (`https://app.example`), or `*` for every page. Credentials are never allowed across origins: tokens
 * travel in a header. Pages of these origins may send whatever headers they ask for, as any other client may: Apollo Client names itself in two.
 */
export function createCors(origins: readonly string[]): Cors {
  const listed = (origin: string) => origins.includes('*') || origins.includes(origin);
  return {
    allows({ headers: { origin, host } }) {
      return origin === undefined || listed(origin) || URL.parse(origin)?.host === host;
    },
    headersFor: ({ headers: { origin } }) =>
      origin === undefined || !listed(origin)
        ? VARYING
        : [...VARYING, 'access-control-allow-origin', origin, ...EXPOSED],
    preflight({ headers: { origin, ...headers } }, response) {
      response.setHeader('allow', METHODS);
      if (origin !== undefined && listed(origin)) {
        response.setHeader('access-control-allow-methods', METHODS);
        response.setHeader('access-control-allow-headers', headers['access-control-request-headers'] ?? '');
        response.setHeader('access-control-max-age', PREFLIGHT_MAX_AGE_S);
      }
      response.writeHead(204).end();
    },
  };
}
