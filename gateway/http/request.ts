import type { IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import { Upload, type UploadOptions } from 'graphql-upload-ts';
import { CodedError } from '#platform/errors.ts';
import { readMultipart } from '#platform/multipart.ts';
import { readBytes, utf8Text } from '#platform/request-body.ts';
import { readContentType } from './media-types.ts';
import { codingOf, codingRefused, decoderOf, UNCODED } from './request-coding.ts';

export interface RequestLimits {
  readonly maxBodyBytes: number;
  /** Time for a body without files. */
  readonly bodyTimeoutMs: number;
  readonly maxFileBytes: number;
  readonly maxFiles: number;
  /** Operations in one HTTP request. */
  readonly maxBatch: number;
}

export const REQUEST_LIMITS: RequestLimits = {
  maxBodyBytes: 1024 * 1024,
  bodyTimeoutMs: 30_000,
  maxFileBytes: 200 * 1024 * 1024,
  maxFiles: 5,
  maxBatch: 10,
};

/**
 * The text of a POST that is JSON, null for one with files, which `readUploads` reads. Rejects with a CodedError: UNSUPPORTED_MEDIA_TYPE,
 * PAYLOAD_TOO_LARGE, REQUEST_TIMEOUT, BAD_REQUEST.
 */
export async function readJsonText(request: IncomingMessage, limits: RequestLimits): Promise<string | null> {
  const { maxBodyBytes, bodyTimeoutMs } = limits;
  if (requireContentType(request) === FORM) {
    // Nobody compresses files that mostly are compressed by themselves.
    if (codingOf(request.headers) !== UNCODED) throw codingRefused(UNCODED);
    return null;
  }
  const decode = decoderOf(request);
  const bytes = await readBytes(request, maxBodyBytes, bodyTimeoutMs);
  return utf8Text(decode ? await decode(bytes, maxBodyBytes) : bytes);
}

const FORM = 'multipart/form-data';

/** One GraphQL request or a list of them, not yet checked further than that it is JSON. Throws BAD_REQUEST. */
export function parseJsonText(text: string, limits: RequestLimits): unknown {
  return bounded(parseJson(text), limits);
}

function bounded(body: unknown, { maxBatch }: RequestLimits): unknown {
  if (Array.isArray(body) && body.length > maxBatch)
    throw new CodedError('BAD_REQUEST', `A request carries ${maxBatch} operations at most.`);
  return body;
}

function requireContentType({ headers }: IncomingMessage): string {
  const contentType = readContentType(headers['content-type']);
  if (!contentType || !['application/json', FORM].includes(contentType.type))
    throw new CodedError('UNSUPPORTED_MEDIA_TYPE', 'Send the operation as application/json.');
  if (contentType.charset !== 'utf-8' && contentType.charset !== 'utf8')
    throw new CodedError('UNSUPPORTED_MEDIA_TYPE', 'Send the operation in UTF-8.');
  return contentType.type;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CodedError('BAD_REQUEST', 'The body is not valid JSON.', {}, error);
  }
}

/**
 * As `parseJsonText`, for a POST with files. They are received whole before anything runs: a file that turns out too large, or that stops
 * half way, then changes nothing. Rejects with a CodedError: PAYLOAD_TOO_LARGE, BAD_REQUEST.
 */
export async function readUploads(
  request: IncomingMessage,
  response: ServerResponse,
  limits: RequestLimits,
): Promise<unknown> {
  const { maxBodyBytes, maxFileBytes, maxFiles } = limits;
  const options: UploadOptions = { maxFieldSize: maxBodyBytes, maxFileSize: maxFileBytes, maxFiles };
  const body = await readMultipart(request, response, options);
  await Promise.all(uploadsOf(body).map(received));
  return bounded(body, limits);
}

async function received(upload: Upload): Promise<void> {
  try {
    const { capacitor } = await upload.promise;
    if (capacitor.destroyed) throw capacitor.errored ?? new Error('The file did not arrive.');
    await finished(capacitor);
  } catch (error) {
    const tooLarge = (error as { status?: unknown }).status === 413;
    throw new CodedError(
      tooLarge ? 'PAYLOAD_TOO_LARGE' : 'BAD_REQUEST',
      tooLarge ? 'A file is larger than what is allowed.' : 'A file of the request did not arrive whole.',
      {},
      error,
    );
  }
}

function uploadsOf(value: unknown, found = new Set<Upload>()): Upload[] {
  if (value instanceof Upload) found.add(value);
  else if (typeof value === 'object' && value !== null)
    for (const child of Object.values(value)) uploadsOf(child, found);
  return [...found];
}
