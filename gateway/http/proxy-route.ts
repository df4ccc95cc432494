import { pipeline } from 'node:stream/promises';
import { request as send } from 'undici';
import { CodedError, messageOf } from '#platform/errors.ts';
import type { HttpRoute } from '#platform/http.ts';

/** Headers of an answer that are its content's, not the connection's. */
const PASSED_ON = [
  'cache-control',
  'content-encoding',
  'content-length',
  'content-security-policy',
  'content-type',
  'etag',
];
const TIMEOUT_MS = 5_000;

/** Passes `GET`s below `path` (`/…/*`) on to another process of the platform, so that browsers know one address only. */
export function proxyRoute(path: string, target: URL): HttpRoute {
  return {
    methods: ['GET'],
    path,
    handle: async (request, response, url) => {
      const address = new URL(url.pathname + url.search, target);
      const accept = request.headers['accept-encoding'];
      const answer = await send(address, {
        headers: accept === undefined ? {} : { 'accept-encoding': String(accept) },
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
      const headers = PASSED_ON.flatMap((name) => {
        const value = answer.headers[name];
        return value === undefined ? [] : [[name, value] as const];
      });
      response.writeHead(answer.statusCode, Object.fromEntries(headers));
      await pipeline(answer.body, response);
    },
  };
}
