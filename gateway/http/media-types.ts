import { MIMEType } from 'node:util';
import { DEFER_SPEC } from './multipart-response.ts';

export const JSON_TYPE = 'application/json';
export const GRAPHQL_RESPONSE_TYPE = 'application/graphql-response+json';
export const EVENT_STREAM_TYPE = 'text/event-stream';

export type ResponseType = typeof JSON_TYPE | typeof GRAPHQL_RESPONSE_TYPE;

/** What a client is ready to read. */
export interface Acceptance {
  /** The JSON type to answer with; null where the client reads none. */
  readonly json: ResponseType | null;
  /** The client names `text/event-stream`; a wildcard does not count, since every HTTP client sends one. */
  readonly eventStream: boolean;
  /** The client reads answers in parts: it names `multipart/mixed` with the version of the proposal that is spoken here. */
  readonly multipart: boolean;
}

export interface Range {
  readonly type: string;
  readonly quality: number;
  readonly order: number;
  readonly parameters: readonly string[];
}

interface Candidate {
  readonly type: ResponseType;
  readonly range: Range;
}

/** Clients send few different headers, each many times: so many are remembered, if they are no longer than usual. */
const MAX_REMEMBERED = 200;
const MAX_REMEMBERED_CHARS = 256;

export function remembering<T>(read: (header: string | undefined) => T): (header: string | undefined) => T {
  const known = new Map<string | undefined, T>();
  return (header) => {
    let value = known.get(header);
    if (value !== undefined) return value;
    value = read(header);
    if (known.size >= MAX_REMEMBERED) known.clear();
    if (header === undefined || header.length <= MAX_REMEMBERED_CHARS) known.set(header, value);
    return value;
  };
}

/** Reads an Accept header (RFC 9110, 12.5.1). A missing one accepts everything. */
export const readAccept = remembering((header): Acceptance => {
  const ranges = header === undefined || header.trim() === '' ? [wildcard] : parseRanges(header);
  const named = ranges.find(({ type }) => type === EVENT_STREAM_TYPE);
  return {
    json: preferredJson(ranges),
    eventStream: named !== undefined && named.quality > 0,
    multipart: ranges.some(isMultipart),
  };
});

function isMultipart({ type, quality, parameters }: Range): boolean {
  if (type !== 'multipart/mixed' || quality === 0) return false;
  return parameters.some((parameter) => parameter.replaceAll('"', '') === `deferspec=${DEFER_SPEC}`);
}

const wildcard: Range = { type: '*/*', quality: 1, order: 0, parameters: [] };

/** The weighted list that is the value of Accept, Accept-Encoding and their like, in lower case. */
export function parseRanges(header: string): Range[] {
  return header.split(',').map((part, order) => {
    const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    const quality = weight === undefined ? 1 : Number(weight);
    return { type, quality: Number.isFinite(quality) ? quality : 0, order, parameters };
  });
}

// Of equal weights the more specific range wins, then the one named first, then plain JSON, which every client can read.
function preferredJson(ranges: readonly Range[]): ResponseType | null {
  const candidates = [JSON_TYPE, GRAPHQL_RESPONSE_TYPE].flatMap((type): Candidate[] => {
    const range = mostSpecific(ranges, type);
    return range && range.quality > 0 ? [{ type: type as ResponseType, range }] : [];
  });
  candidates.sort(
    ({ range: a }, { range: b }) =>
      b.quality - a.quality || specificity(b.type) - specificity(a.type) || a.order - b.order,
  );
  return candidates[0]?.type ?? null;
}

function mostSpecific(ranges: readonly Range[], type: string): Range | undefined {
  return ranges
    .filter((range) => range.type === type || range.type === 'application/*' || range.type === '*/*')
    .sort((a, b) => specificity(b.type) - specificity(a.type))[0];
}

const specificity = (range: string) => (range === '*/*' ? 0 : range.endsWith('/*') ? 1 : 2);

/** The media type and charset that a Content-Type header names, in lower case; null where it is missing or malformed. */
export const readContentType = remembering((header): { type: string; charset: string } | null => {
  if (header === undefined) return null;
  try {
    const { essence, params } = new MIMEType(header);
    return { type: essence, charset: params.get('charset')?.toLowerCase() ?? 'utf-8' };
  } catch {
    return null;
  }
});
