import type { ServerResponse } from 'node:http';
import type { FormattedExecutionResult } from 'graphql';
import type { SubsequentResult } from '../engine/engine.ts';
import { EVENT_STREAM_TYPE, SUBSCRIPTION_SPEC } from '../http/media-types.ts';
import type { StreamTransport } from '../metrics.ts';

/** A result, or what `@defer` put off of one. */
type StreamedResult = FormattedExecutionResult | SubsequentResult;

/** How results are written into a response that stays open. */
export interface StreamEncoding {
  readonly contentType: string;
  /** Sent with the head: some browsers report a response as there only once a first byte has come. */
  readonly opening: string;
  /** Says nothing but that the stream is alive. */
  readonly heartbeat: string;
  /** `id`: where the client stands behind this result, if that is known. */
  result(result: StreamedResult, id: string | null): string;
  /** What ends the stream before the subscription is over; `errors` of the result say why. */
  failure(result: FormattedExecutionResult): string;
  /** That was the last result. */
  readonly closing: string;
  /** What ends a stream that is not over, so that its client asks for it again: nothing, where an end without `closing` says so. */
  departure(failure: () => FormattedExecutionResult): string;
}

// JSON.stringify leaves no line break in its output, so that one data field carries any result.
const event = (name: string, data: string) => `event: ${name}\ndata: ${data}\n\n`;

const texts = new WeakMap<StreamedResult, string>();

/** Written once: an event without errors is the same object for all who share it. */
function textOf(result: StreamedResult): string {
  let text = texts.get(result);
  if (text === undefined) texts.set(result, (text = JSON.stringify(result)));
  return text;
}

const next = (result: StreamedResult) => event('next', textOf(result));

/** The distinct-connections mode of the graphql-sse protocol, which has no form of its own for failures. */
const sse: StreamEncoding = {
  contentType: `${EVENT_STREAM_TYPE}; charset=utf-8`,
  opening: ':\n\n',
  heartbeat: ':\n\n',
  result: (result, id) => (id === null ? '' : `id: ${id}\n`) + next(result),
  failure: next,
  closing: event('complete', ''),
  departure: () => '',
};

/** The single-connection mode of the graphql-sse protocol: as `sse`, with the id of the operation in the data. */
export const SHARED_SSE = {
  contentType: sse.contentType,
  opening: sse.opening,
  heartbeat: sse.heartbeat,
  next: (id: string, payload: StreamedResult) =>
    event('next', `{"id":${JSON.stringify(id)},"payload":${textOf(payload)}}`),
  complete: (id: string) => event('complete', JSON.stringify({ id })),
};

const DELIMITER = '\r\n--graphql';

// The delimiter follows each part at once, so that a client need not wait for the next one to know that a part is whole.
const part = (json: string) => `\r\ncontent-type: application/json\r\n\r\n${json}${DELIMITER}`;
const HEARTBEAT = part('{}');

/** Apollo's multipart protocol for subscriptions over HTTP, version 1.0. */
const multipart: StreamEncoding = {
  // Apollo iOS knows the protocol by these very characters, without quotes.
  contentType: `multipart/mixed;boundary="graphql";subscriptionSpec=${SUBSCRIPTION_SPEC}`,
  opening: `${DELIMITER}${HEARTBEAT}`,
  heartbeat: HEARTBEAT,
  result: (payload) => part(`{"payload":${textOf(payload)}}`),
  // The protocol has neither path nor locations outside of a payload.
  failure: ({ errors = [] }) =>
    part(
      JSON.stringify({
        payload: null,
        errors: errors.map(({ message, extensions }) => ({ message, extensions })),
      }),
    ),
  closing: '--\r\n',
  // Clients take what is cut off for broken, and do not retry it by themselves.
  departure: (failure) => multipart.failure(failure()) + multipart.closing,
};

export const STREAM_ENCODINGS: Readonly<Record<StreamTransport, StreamEncoding>> = { sse, multipart };

const contentTypes: readonly unknown[] = [sse.contentType, multipart.contentType];

/** Answers HEAD: the head that GET would get. A stream itself would stay open for a client that has read all it ever will. */
export function sendStreamHead(response: ServerResponse, transport: StreamTransport): void {
  response.writeHead(200, { 'content-type': STREAM_ENCODINGS[transport].contentType }).end();
}

/** Whether a response, of which the head is written, is a stream. */
export const isStreamed = (response: ServerResponse): boolean =>
  contentTypes.includes(response.getHeader('content-type'));
