import { MalformedResponse } from './response-errors.ts';

/** What the first lines of a response say of the rest. */
export interface ResponseHead {
  readonly status: number;
  /** Bytes of the body; `chunked`, or `until-close` where nothing says how long it is. */
  readonly body: number | 'chunked' | 'until-close';
  /** Whether the connection may carry a further request. */
  readonly keepsAlive: boolean;
  /** How long the server says it leaves an idle connection open. */
  readonly idleMs: number | undefined;
  readonly retryAfter: string | undefined;
}

const STATUS_LINE = /^HTTP\/1\.[01] [1-9]\d\d(?:[ \r]|$)/;
/** Where version and status stand in `HTTP/1.1 200 OK`. */
const MINOR_AT = 7;
const STATUS_AT = 9;
const STATUS_END = 12;
const NO_BODY = new Set([204, 304]);

/**
 * Reads the status line and the headers (RFC 9112), without the empty line behind them. Throws MalformedResponse, also where the length of
 * the body is ambiguous: whoever guessed would take the rest of one answer for the beginning of another caller's.
 */
export function parseResponseHead(text: string): ResponseHead {
  if (!STATUS_LINE.test(text)) throw new MalformedResponse('no HTTP/1.1 status line');
  const status = Number(text.slice(STATUS_AT, STATUS_END));
  const headers = readHeaders(text, endOfLine(text, 0) + 2);
  return {
    status,
    body: NO_BODY.has(status) || status < 200 ? 0 : bodyOf(headers),
    keepsAlive: text[MINOR_AT] === '1' && !isClosing(headers.connection),
    idleMs: idleOf(headers.keepAlive),
    retryAfter: headers.retryAfter,
  };
}

function endOfLine(text: string, from: number): number {
  const found = text.indexOf('\r\n', from);
  return found < 0 ? text.length : found;
}

const isClosing = (connection: string | undefined) =>
  connection !== undefined && connection !== 'keep-alive' && /\bclose\b/i.test(connection);

class Headers {
  length: string | undefined;
  encoding: string | undefined;
  connection: string | undefined;
  keepAlive: string | undefined;
  retryAfter: string | undefined;
}

/** The headers that matter here by their names. The lengths of names tell most others apart before anything is copied. */
const KNOWN: ReadonlyMap<string, keyof Headers> = new Map([
  ['content-length', 'length'],
  ['transfer-encoding', 'encoding'],
  ['connection', 'connection'],
  ['keep-alive', 'keepAlive'],
  ['retry-after', 'retryAfter'],
]);
const KNOWN_LENGTHS: ReadonlySet<number> = new Set([...KNOWN.keys()].map(({ length }) => length));

function readHeaders(text: string, start: number): Headers {
  const headers = new Headers();
  for (let at = start; at < text.length;) {
    const lineEnd = endOfLine(text, at);
    const colon = text.indexOf(':', at);
    if (colon <= at || colon > lineEnd) throw new MalformedResponse('a header line without a name');
    if (KNOWN_LENGTHS.has(colon - at)) {
      const name = KNOWN.get(text.slice(at, colon).toLowerCase());
      if (name) add(headers, name, text.slice(colon + 1, lineEnd).trim());
    }
    at = lineEnd + 2;
  }
  return headers;
}

function add(headers: Headers, name: keyof Headers, value: string): void {
  const before = headers[name];
  headers[name] = before === undefined ? value : `${before}, ${value}`;
}

function bodyOf({ length, encoding }: Headers): ResponseHead['body'] {
  if (encoding !== undefined) {
    if (length !== undefined || encoding.toLowerCase() !== 'chunked')
      throw new MalformedResponse('a body whose length is ambiguous');
    return 'chunked';
  }
  if (length === undefined) return 'until-close';
  if (DIGITS.test(length)) return Number(length);
  // Repeated with the same value it is still one length.
  const [first = '', ...others] = length.split(',').map((part) => part.trim());
  if (!DIGITS.test(first) || others.some((other) => other !== first))
    throw new MalformedResponse('a body whose length is ambiguous');
  return Number(first);
}

const DIGITS = /^\d{1,15}$/;

function idleOf(keepAlive: string | undefined): number | undefined {
  if (keepAlive === undefined) return undefined;
  const seconds = /\btimeout=(\d{1,6})\b/i.exec(keepAlive)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}
