import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CodedError } from '../errors.ts';
import type { HttpRoute } from '../http.ts';
import { FILES_PATH, verifyFileUrl } from './file-url.ts';

// Uploads come from strangers: only these types are ever named, and `nosniff` keeps browsers from guessing another.
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.mp3': 'audio/mpeg',
  '.wav': 'audio/wav',
  '.flac': 'audio/flac',
  '.ogg': 'audio/ogg',
  '.m4a': 'audio/mp4',
  '.aac': 'audio/aac',
  '.aiff': 'audio/aiff',
};

/** Serves files on local disk to holders of a signed address, whole or by range (RFC 9110, section 14: one range). */
export function fileRoute({ folder, secret }: { folder: string; secret: string }): HttpRoute {
  return {
    methods: ['GET'],
    path: `${FILES_PATH}*`,
    handle: async (request, response, url) => {
      const key = verifyFileUrl(url, secret);
      if (key === null) throw new CodedError('FORBIDDEN', 'This address is not valid, or no longer.');
      await sendFile(pathOf(folder, key), rangeOf(request), response);
    },
  };
}

// Only addresses that we signed come this far; still no key is worth leaving the folder for.
function pathOf(folder: string, key: string): string {
  const path = resolve(folder, key);
  if (!path.startsWith(`${resolve(folder)}${sep}`))
    throw new CodedError('NOT_FOUND', 'The file does not exist any more.');
  return path;
}

// RFC 9110: only GET has ranges (14.2), and no validator of ours can make an If-Range hold (13.1.5).
const rangeOf = ({ method, headers }: IncomingMessage) =>
  method === 'GET' && headers['if-range'] === undefined ? headers.range : undefined;

interface Range {
  readonly start: number;
  readonly end: number;
}

async function sendFile(
  path: string,
  rangeHeader: string | undefined,
  response: ServerResponse,
): Promise<void> {
  const size = await sizeOf(path);
  const range = parseRange(rangeHeader, size);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.writeHead(range ? 206 : 200, {
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=3600, immutable',
    'content-length': end - start + 1,
    'content-type': CONTENT_TYPES[extname(path)] ?? 'application/octet-stream',
    'x-content-type-options': 'nosniff',
    ...(range ? { 'content-range': `bytes ${start}-${end}/${size}` } : {}),
  });
  if (response.req.method === 'HEAD' || size === 0) response.end();
  else await pipeline(createReadStream(path, { start, end }), response).catch(() => response.destroy());
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) throw new CodedError('NOT_FOUND', 'The file does not exist any more.');
  return found.size;
}

/** The bytes asked for, null for the whole file; a header that is not one byte range is ignored, as the RFC allows. */
function parseRange(header: string | undefined, size: number): Range | 'unsatisfiable' | null {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return null;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return null;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return start > end || start >= size ? 'unsatisfiable' : { start, end };
}
