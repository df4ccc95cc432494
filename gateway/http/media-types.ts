import { MIMEType } from 'node:util';
import { remembering } from '#platform/remembering.ts';
import type { StreamTransport } from '../metrics.ts';
import { DEFER_SPEC } from './multipart-response.ts';

export const JSON_TYPE = 'application/json';
export const GRAPHQL_RESPONSE_TYPE = 'application/graphql-response+json';
export const EVENT_STREAM_TYPE = 'text/event-stream';
const MULTIPART_TYPE = 'multipart/mixed';
/** The version of Apollo's protocol for subscriptions in parts. */
export const SUBSCRIPTION_SPEC = '1.0';

export type ResponseType = typeof JSON_TYPE | typeof GRAPHQL_RESPONSE_TYPE;

/** What a JSON answer is labelled with. */
export const CONTENT_TYPES: Readonly<Record<ResponseType, string>> = {
  [JSON_TYPE]: `${JSON_TYPE}; charset=utf-8`,
  [GRAPHQL_RESPONSE_TYPE]: `${GRAPHQL_RESPONSE_TYPE}; charset=utf-8`,
};

/** What a client is ready to read. */
export interface Acceptance {
  /** The JSON type to answer with; null where the client reads none. */
  readonly json: ResponseType | null;
  /**
   * How the client reads subscriptions, by its preference: it names `text/event-stream`, or `multipart/mixed` with the version of the protocol
   * that is spoken here. A wildcard does not count, since every HTTP client sends one.
   */
  readonly stream: StreamTransport | null;
  /** The client reads deferred answers in parts: it names `multipart/mixed` with the version of the proposal that is spoken here. */
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

/** Reads an Accept header (RFC 9110, 12.5.1). A missing one accepts everything. */
export const readAccept = remembering((header): Acceptance => {
  const ranges = header === undefined || header.trim() === '' ? [wildcard] : parseRanges(header);
  return {
    json: preferredJson(ranges),
    stream: preferredStream(ranges),
    multipart: ranges.some((range) => range.quality > 0 && isMultipart(range, `deferspec=${DEFER_SPEC}`)),
  };
});

const isMultipart = ({ type, parameters }: Range, spec: string) =>
  type === MULTIPART_TYPE && parameters.some((parameter) => parameter.replaceAll('"', '') === spec);

function preferredStream(ranges: readonly Range[]): StreamTransport | null {
  const [preferred] = ranges
    .filter((range) => range.quality > 0 && streamOf(range) !== null)
    .sort((a, b) => b.quality - a.quality);
  return preferred ? streamOf(preferred) : null;
}

function streamOf(range: Range): StreamTransport | null {
  if (range.type === EVENT_STREAM_TYPE) return 'sse';
  return isMultipart(range, `subscriptionspec=${SUBSCRIPTION_SPEC}`) ? 'multipart' : null;
}

const wildcard: Range = { type: '*/*', quality: 1, order: 0, parameters: [] };

// Between quotes, such as those of a boundary, commas and semicolons separate nothing (RFC 9110, 5.6.4). A quote that is not
// closed goes to the end, so that no header takes longer to read than its length says.
const ITEM = /(?:"(?:\\.|[^"\\])*"?|[^,"])+/g;
const PIECE = /(?:"(?:\\.|[^"\\])*"?|[^;"])+/g;

/** The weighted list that is the value of Accept, Accept-Encoding and their like, in lower case. */
export function parseRanges(header: string): Range[] {
  return (header.match(ITEM) ?? []).map((item, order) => {
    const [type = '', ...parameters] = (item.match(PIECE) ?? []).map((piece) => piece.trim().toLowerCase());
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
