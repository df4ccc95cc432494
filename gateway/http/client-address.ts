import type { IncomingMessage } from 'node:http';

/** Where a request comes from; `trustProxy`: the nearest proxy appends it to X-Forwarded-For. Undefined once the connection is gone. */
export function addressOf(
  request: Pick<IncomingMessage, 'headers' | 'socket'>,
  trustProxy: boolean,
): string | undefined {
  const forwarded = trustProxy ? request.headers['x-forwarded-for'] : undefined;
  const nearest = forwarded?.toString().split(',').at(-1)?.trim();
  return nearest || request.socket.remoteAddress;
}
