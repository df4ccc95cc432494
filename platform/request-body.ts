import type { IncomingMessage } from 'node:http';
import { CodedError } from './errors.ts';

/** For a body of up to some megabytes. */
const BODY_TIMEOUT_MS = 30_000;

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** As `readBytes`, as text. Rejects with BAD_REQUEST, too, where it is not valid UTF-8. */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  timeoutMs: number = BODY_TIMEOUT_MS,
): Promise<string> {
  return utf8Text(await readBytes(request, maxBytes, timeoutMs));
}

/** Without a byte order mark. Throws BAD_REQUEST. */
export function utf8Text(bytes: Buffer): string {
  try {
    return UTF8.decode(bytes);
  } catch (error) {
    throw new CodedError('BAD_REQUEST', 'The body is not valid UTF-8.', {}, error);
  }
}

export const tooLarge = (maxBytes: number) =>
  new CodedError('PAYLOAD_TOO_LARGE', `The body is larger than ${maxBytes} bytes.`);

/**
 * The whole body. Rejects with PAYLOAD_TOO_LARGE past `maxBytes` (nothing is kept from there on, and nothing is waited for where the head says
 * so), and with REQUEST_TIMEOUT where it has not arrived after `timeoutMs`.
 */
// By events: an async iterator over a small body costs more than everything else about it.
export function readBytes(request: IncomingMessage, maxBytes: number, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) return void chunks.push(chunk);
      refuse(tooLarge(maxBytes));
    };
    const refuse = (error: CodedError) => {
      settle();
      // Paused, not destroyed: that would cut the connection before the answer is sent.
      request.pause();
      reject(error);
    };
    const onLate = () => refuse(new CodedError('REQUEST_TIMEOUT', 'The body did not arrive in time.'));
    const onEnd = () => {
      settle();
      const [only] = chunks;
      resolve(chunks.length === 1 && only ? only : Buffer.concat(chunks, size));
    };
    const onClose = () => {
      settle();
      reject(request.errored ?? new Error('The client went away before its body was whole.'));
    };
    // Most bodies have come with their head.
    const timer = request.complete ? undefined : setTimeout(onLate, timeoutMs);
    const settle = () => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose);
    };
    if (request.destroyed && !request.readableEnded) return onClose();
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) return refuse(tooLarge(maxBytes));
    request.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}
