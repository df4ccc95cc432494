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

const STATUS_LINE = /^HTTP\/1\.([01]) (\d{3})(?: |$)/;
const NO_BODY = new Set([204, 304]);

/**
 * Reads the status line and the headers (RFC 9112), without the empty line behind them. Throws MalformedResponse, also where the length of
 * the body is ambiguous: whoever guessed would take the rest of one answer for the beginning of another caller's.
 */
export function parseResponseHead(text: string): ResponseHead {
  const lineEnd = text.indexOf('\r\n');
  const [matched, minor, code] = STATUS_LINE.exec(lineEnd < 0 ? text : text.slice(0, lineEnd)) ?? [];
  if (matched === undefined) throw new MalformedResponse('no HTTP/1.1 status line');
  const status = Number(code);
  const headers = lineEnd < 0 ? {} : readHeaders(text, lineEnd + 2);
  return {
    status,
    body: NO_BODY.has(status) || status < 200 ? 0 : bodyOf(headers),
    keepsAlive: minor === '1' ? !/\bclose\b/i.test(headers.connection ?? '') : false,
    idleMs: idleOf(headers.keepAlive),
    retryAfter: headers.retryAfter,
  };
}

interface Headers {
  length?: string;
  encoding?: string;
  connection?: string;
  keepAlive?: string;
  retryAfter?: string;
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
  const headers: Headers = {};
  for (let at = start; at < text.length;) {
    const found = text.indexOf('\r\n', at);
    const lineEnd = found < 0 ? text.length : found;
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
  // Repeated with the same value it is still one length.
  const [first = '', ...others] = length.split(',').map((part) => part.trim());
  if (!/^\d{1,15}$/.test(first) || others.some((other) => other !== first))
    throw new MalformedResponse('a body whose length is ambiguous');
  return Number(first);
}

function idleOf(keepAlive: string | undefined): number | undefined {
  const seconds = /\btimeout=(\d{1,6})\b/i.exec(keepAlive ?? '')?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}
