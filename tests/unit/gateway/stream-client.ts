import assert from 'node:assert/strict';
import { createReader, type EventReader } from './event-reader.ts';

/** A client of the single-connection mode that says exactly what a test tells it to. */
export interface StreamClient {
  readonly token: string;
  /** Opens the stream, as anybody who has the token. */
  open(headers?: Record<string, string>): Promise<StreamReader>;
  /** Starts an operation; its answer says whether it was accepted. */
  start(id: string | null, query: string, options?: StartOptions): Promise<Response>;
  stop(id: string, headers?: Record<string, string>): Promise<Response>;
}

export interface StartOptions {
  readonly headers?: Record<string, string>;
  readonly variables?: Record<string, unknown>;
  readonly signal?: AbortSignal;
}

export interface StreamReader extends EventReader {
  /** The next event, as `{ event, id, payload }`; null at the end. */
  nextMessage(): Promise<StreamMessage | null>;
}

export interface StreamMessage {
  readonly event: string;
  readonly id: string;
  readonly payload?: { readonly data?: unknown; readonly errors?: { extensions: Record<string, unknown> }[] };
}

const TOKEN = 'x-graphql-event-stream-token';

export const putReservation = (url: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/graphql`, { method: 'PUT', headers });

/** Reserves a stream, which must work. `headers` go with whatever follows, but for the opening. */
export async function reserve(url: string, headers: Record<string, string> = {}): Promise<StreamClient> {
  const response = await putReservation(url, headers);
  assert.equal(response.status, 201, 'the reservation');
  const token = await response.text();
  return {
    token,
    open: (own) => openStream(url, { [TOKEN]: token, ...own }),
    start: (id, query, { headers: own, variables, signal } = {}) =>
      fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', [TOKEN]: token, ...headers, ...own },
        body: JSON.stringify({ query, variables, extensions: id === null ? undefined : { operationId: id } }),
        ...(signal && { signal }),
      }),
    stop: (id, own) =>
      fetch(`${url}/graphql?operationId=${encodeURIComponent(id)}`, {
        method: 'DELETE',
        headers: { [TOKEN]: token, ...headers, ...own },
      }),
  };
}

/** Opens a stream, by its header or, with `search`, by its address. */
export async function openStream(
  url: string,
  headers: Record<string, string>,
  search = '',
): Promise<StreamReader> {
  const abort = new AbortController();
  const response = await fetch(`${url}/graphql${search}`, {
    headers: { accept: 'text/event-stream', ...headers },
    signal: abort.signal,
  });
  const reader = createReader(response, () => abort.abort());
  return {
    ...reader,
    async nextMessage() {
      const message = await reader.next();
      return message && { event: message.event, ...JSON.parse(message.data) };
    },
  };
}
