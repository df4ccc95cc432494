import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib';
import { CodedError } from '#platform/errors.ts';
import { tooLarge } from '#platform/request-body.ts';

/** What a compressed body was made of. */
export type Decode = (bytes: Buffer, maxBytes: number) => Promise<Buffer>;

type Inflate = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

const unzip: Inflate = promisify(gunzip);
const DECODERS: ReadonlyMap<string, Inflate> = new Map([
  ['br', promisify(brotliDecompress)],
  ['gzip', unzip],
  // RFC 9110, 8.4.1.3: the same.
  ['x-gzip', unzip],
  ['deflate', promisify(inflate)],
  ['zstd', promisify(zstdDecompress)],
]);

/** How a body with files may come. */
export const UNCODED = 'identity';
/** How one without may come. */
export const REQUEST_CODINGS = 'br, gzip, deflate, zstd';

/**
 * What undoes the coding of a request's body; null where it has none. Throws UNSUPPORTED_MEDIA_TYPE for one that is not known, or for several.
 * What the coding hides counts: decoding rejects with PAYLOAD_TOO_LARGE past `maxBytes`, with BAD_REQUEST where it is not of that coding.
 */
export function decoderOf({ headers }: IncomingMessage): Decode | null {
  const coding = codingOf(headers);
  if (coding === UNCODED) return null;
  const decoder = DECODERS.get(coding);
  if (!decoder) throw codingRefused(REQUEST_CODINGS);
  return (bytes, maxBytes) =>
    decoder(bytes, { maxOutputLength: maxBytes }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes);
      throw new CodedError('BAD_REQUEST', `The body is not valid ${coding}.`, {}, error);
    });
}

export const codingOf = (headers: IncomingMessage['headers']): string =>
  (headers['content-encoding'] ?? UNCODED).trim().toLowerCase();

export const codingRefused = (acceptEncoding: string) =>
  new CodedError(
    'UNSUPPORTED_MEDIA_TYPE',
    `Bodies of this kind are read in these codings: ${acceptEncoding}.`,
    {
      acceptEncoding,
    },
  );
