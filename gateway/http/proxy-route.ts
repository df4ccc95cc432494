import type { IncomingHttpHeaders } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { request as send } from 'undici';
import { CodedError, messageOf } from '#platform/errors.ts';
import type { HttpRoute } from '#platform/http.ts';

/** Headers of a request that change what is answered. */
const ASKED_BY = ['accept-encoding', 'if-none-match'];
/** Headers of an answer that are its content's, not the connection's. */
const PASSED_ON = [
  'cache-control',
  'content-encoding',
  'content-length',
  'content-security-policy',
  'content-type',
  'etag',
  'permissions-policy',
  'referrer-policy',
  'vary',
  'x-content-type-options',
];
/** The longest that is meant to take its time is a playlist: it is held until a part is there, for six seconds at most. */
const TIMEOUT_MS = 10_000;

/** Passes `GET`s below `path` (`/…/*`) on to another process of the platform, so that browsers know one address only. */
export function proxyRoute(path: string, target: URL): HttpRoute {
  return {
    methods: ['GET'],
    path,
    handle: async (request, response, url) => {
      const address = new URL(url.pathname + url.search, target);
      const answer = await send(address, {
        headers: only(ASKED_BY, request.headers),
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
      }).catch((error: unknown) => {
        throw new CodedError(
          'SERVICE_UNAVAILABLE',
          'The service behind this page is away.',
          {},
          messageOf(error),
        );
      });
      response.writeHead(answer.statusCode, only(PASSED_ON, answer.headers));
      await pipeline(answer.body, response);
    },
  };
}

const only = (names: readonly string[], headers: IncomingHttpHeaders): Record<string, string | string[]> =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = headers[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
