import type { IncomingMessage } from 'node:http';
import { CodedError } from '#platform/errors.ts';
import type { Cors } from './cors.ts';
import { readContentType } from './media-types.ts';

/** Any of these, not empty, makes a browser ask first (preflight), so that a foreign page cannot have sent the request. */
export const PREFLIGHT_HEADERS = [
  'apollo-require-preflight',
  'x-apollo-operation-name',
  'graphql-require-preflight',
];

/** Content types that a page of any origin can send without a preflight. */
const SIMPLE_TYPES = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'];

/**
 * Throws BAD_REQUEST where a foreign page may have made the browser send this request with the user's own authority.
 *
 * Besides what is preflighted, a GET passes which the browser itself declares to be of this site, or which carries nothing
 * that a browser adds on its own (cookies, Basic credentials): plain HTTP clients need no special header.
 */
export function refuseForgery(request: IncomingMessage, cors: Cors): void {
  if (PREFLIGHT_HEADERS.some((name) => request.headers[name]) || isPreflighted(request)) return;
  const safe = request.method === 'GET' || request.method === 'HEAD';
  if (safe && cors.allows(request) && (declaredOwn(request) || !hasAmbientAuthority(request))) return;
  throw new CodedError(
    'BAD_REQUEST',
    `The request could be a cross-site forgery. Send a JSON body, or one of the headers ${PREFLIGHT_HEADERS.join(', ')}.`,
  );
}

function isPreflighted({ headers, method }: IncomingMessage): boolean {
  // No page of another origin sends these without having asked.
  if (method === 'PUT' || method === 'DELETE') return true;
  const contentType = readContentType(headers['content-type']);
  return contentType !== null && !SIMPLE_TYPES.includes(contentType.type);
}

// Scripts cannot set Sec-Fetch-Site or Origin (Fetch Metadata, CORS), and the caller has checked that origin.
function declaredOwn({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  return site === 'same-origin' || site === 'none' || headers.origin !== undefined;
}

function hasAmbientAuthority({ headers }: IncomingMessage): boolean {
  const crossSite = headers['sec-fetch-site'] === 'cross-site' || headers['sec-fetch-site'] === 'same-site';
  const bearer = headers.authorization?.toLowerCase().startsWith('bearer ') ?? true;
  return crossSite || headers.cookie !== undefined || !bearer;
}
