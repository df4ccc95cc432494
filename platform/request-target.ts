import type { IncomingMessage } from 'node:http';
import { CodedError } from './errors.ts';
import { remembering } from './remembering.ts';

/** Of a request target. What a proxy hands on is shorter, as a rule: 8 kB are usual. */
const MAX_TARGET_CHARS = 16_384;

/** RFC 3986, 3.2.2, but for the comma: as such two `host` lines would come here. Empty is allowed. */
const HOST = /^(?:[\w\-.~%!$&'()*+;=]*|\[[\da-f:.]+\])(?::\d*)?$/i;

/** What others read in another way: a step up or down in a path, in any writing, and what stands behind a fragment. */
const AMBIGUOUS_TARGET = /[\\#]|^[^?]*\/(?:\.|%2e){1,2}(?:[/?]|$)/i;

/**
 * What a request is about. Throws a CodedError for what a proxy in front may have read as something else, so that it could get past what is checked
 * there: more than one host (RFC 9112, 3.2), an unknown transfer coding (6.1), an ambiguous path. Where the target is in absolute form its host takes the
 * place of what `host` says (3.2.2). Requests of the same target share what is returned: nobody may change it.
 */
export function readTarget({ headers, url: target = '/' }: IncomingMessage): URL {
  if (target.length > MAX_TARGET_CHARS)
    throw new CodedError('URI_TOO_LONG', `The request target is longer than ${MAX_TARGET_CHARS} characters.`);
  if (!HOST.test(headers.host ?? '')) throw new CodedError('BAD_REQUEST', 'Name one host.');
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    throw new CodedError('BAD_REQUEST', 'The only transfer coding known here is chunked.');
  const url = parseTarget(target);
  if (!url) throw new CodedError('BAD_REQUEST', 'The request target is not a valid URL.');
  if (!target.startsWith('/')) headers.host = url.host;
  return url;
}

/** Null where it is ambiguous. Put behind a host rather than resolved against one: `//a/b` is a path here, not the host `a`. */
const parseTarget = remembering((target = '/'): URL | null => {
  if (AMBIGUOUS_TARGET.test(target)) return null;
  if (target.startsWith('/')) return URL.parse(`http://localhost${target}`);
  const url = URL.parse(target);
  return url && /^https?:$/.test(url.protocol) && !url.username && !url.password ? url : null;
});
