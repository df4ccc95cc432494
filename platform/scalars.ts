import { GraphQLError, GraphQLScalarType, Kind, valueFromASTUntyped, type ValueNode } from 'graphql';
import { parseInstant } from './instant.ts';

const MAX_JSON_BYTES = 16 * 1024;
const DECIMAL = /^-?(0|[1-9]\d{0,14})(\.\d{1,8})?$/;

function refuse(type: string, expected: string): never {
  throw new GraphQLError(`${type} must be ${expected}.`, { extensions: { code: 'BAD_USER_INPUT' } });
}

function instant(value: unknown): Date {
  const date = typeof value === 'string' ? parseInstant(value) : null;
  return date ?? refuse('DateTime', 'an RFC 3339 instant such as 2026-01-31T12:00:00Z');
}

// A result that does not fit is our fault, and must not look like the caller's.
function instantText(value: unknown): string {
  const date = typeof value === 'string' ? parseInstant(value) : value;
  if (!(date instanceof Date)) throw new TypeError('A DateTime result is not an instant.');
  return date.toISOString();
}

function httpUrl(value: unknown): string {
  const url = typeof value === 'string' && value.length <= 2_048 ? URL.parse(value) : null;
  return url && /^https?:$/.test(url.protocol) ? url.href : refuse('URL', 'an absolute http or https URL');
}

function decimal(value: unknown): string {
  return typeof value === 'string' && DECIMAL.test(value)
    ? value
    : refuse('Decimal', 'a string such as "12.50"');
}

// NUL and lone surrogates, as JSON.stringify escapes them: PostgreSQL cannot store them.
const UNSTORABLE_ESCAPE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;

function boundedJson(value: unknown): unknown {
  const text = stringify(value);
  if (text === null || Buffer.byteLength(text) > MAX_JSON_BYTES)
    refuse('JSON', `at most ${MAX_JSON_BYTES} bytes`);
  return UNSTORABLE_ESCAPE.test(text) ? refuse('JSON', 'without NUL and lone surrogates') : value;
}

/** Null where the value is nested so deeply that it ends the stack. */
function stringify(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch {
    return null;
  }
}

const text = (node: ValueNode): unknown => (node.kind === Kind.STRING ? node.value : undefined);

/** UTC instant: `Date` inside, RFC 3339 with milliseconds outside. */
export const DateTime = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  serialize: instantText,
  parseValue: instant,
  parseLiteral: (node) => instant(text(node)),
});

export const Url = new GraphQLScalarType<string, string>({
  name: 'URL',
  serialize: String,
  parseValue: httpUrl,
  parseLiteral: (node) => httpUrl(text(node)),
});

/** Exact decimal number as a string, at most 15 digits before and 8 behind the point. */
export const Decimal = new GraphQLScalarType<string, string>({
  name: 'Decimal',
  serialize: String,
  parseValue: decimal,
  parseLiteral: (node) => decimal(text(node)),
});

export const Json = new GraphQLScalarType<unknown, unknown>({
  name: 'JSON',
  serialize: (value) => value,
  parseValue: boundedJson,
  parseLiteral: (node, variables) => boundedJson(valueFromASTUntyped(node, variables)),
});

/** Opaque resume position; it is checked where it is used, because only the log it belongs to can judge it. */
export const EventCursor = new GraphQLScalarType<string, string>({
  name: 'EventCursor',
  serialize: String,
  parseValue: (value) =>
    typeof value === 'string' ? value : refuse('EventCursor', 'a string that this API returned'),
  parseLiteral: (node) => {
    const value = text(node);
    return typeof value === 'string' ? value : refuse('EventCursor', 'a string that this API returned');
  },
});
