import type { IncomingMessage } from 'node:http';

/** Header with the token of a reserved stream. */
export const STREAM_TOKEN_HEADER = 'x-graphql-event-stream-token';

/** The token of a reserved stream that a request names, in its header or, as an EventSource has to, in its address. */
export function streamTokenOf({ headers }: IncomingMessage, url: URL): string | null {
  const header = headers[STREAM_TOKEN_HEADER];
  if (typeof header === 'string' && header !== '') return header;
  return (url.search !== '' && url.searchParams.get('token')) || null;
}

/** Whether a request is of the single-connection mode: it reserves a stream, or is about one. */
export const isStreamRequest = (request: IncomingMessage, url: URL): boolean =>
  request.method === 'PUT' || request.method === 'DELETE' || streamTokenOf(request, url) !== null;
