import type { IncomingMessage, ServerResponse } from 'node:http';
import { processRequest, type UploadOptions } from 'graphql-upload-ts';
import { CodedError, messageOf } from './errors.ts';

export const MAX_FILE_BYTES = 200 * 1024 * 1024;
export const MAX_FILES = 5;

const LIMITS: UploadOptions = { maxFieldSize: 1024 * 1024, maxFileSize: MAX_FILE_BYTES, maxFiles: MAX_FILES };

/** Whether a request carries files, by the GraphQL multipart request specification. */
export function isMultipart(request: IncomingMessage): boolean {
  return request.headers['content-type']?.toLowerCase().startsWith('multipart/form-data') ?? false;
}

/**
 * Reads the operations of a multipart request; their variables hold `Upload` promises. Files are buffered on disk and removed
 * when the response closes. Rejects with PAYLOAD_TOO_LARGE or BAD_REQUEST.
 */
export async function readMultipart(
  request: IncomingMessage,
  response: ServerResponse,
  limits: UploadOptions = LIMITS,
): Promise<unknown> {
  try {
    return await processRequest<unknown>(request, response, limits);
  } catch (error) {
    const status = (error as { status?: unknown }).status;
    throw new CodedError(status === 413 ? 'PAYLOAD_TOO_LARGE' : 'BAD_REQUEST', messageOf(error), {}, error);
  }
}
