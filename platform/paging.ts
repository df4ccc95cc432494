import { z } from 'zod';
import { invalid, Refusal } from './errors.ts';
import type { KeysOf, SortKey, SortKeyRule } from './sort-keys.ts';

/** Relay paging arguments as a resolver receives them. */
export interface PageArgs {
  readonly first?: number | null;
  readonly after?: string | null;
  readonly last?: number | null;
  readonly before?: string | null;
}

/** A checked page request: read `limit + 1` rows beyond `cursor` in `direction`, and hand them to `toConnection`. */
export interface Page<K extends readonly SortKey[] = readonly SortKey[]> {
  readonly limit: number;
  readonly direction: 'forward' | 'backward';
  /** Sort key of the row to start behind, or null for the end of the list that `direction` starts from. */
  readonly cursor: K | null;
}

export interface Connection<T> {
  readonly edges: { readonly cursor: string; readonly node: T }[];
  readonly nodes: T[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

export const MAX_PAGE_SIZE = 100;

export interface PageRules<R extends readonly SortKeyRule[]> {
  /** What the cursors of this list hold, in the order of its sort key. */
  readonly keys: R;
  /** Rows of a page that asks for no number of them, 20 unless given. */
  readonly defaultSize?: number;
}

/** Refuses sizes outside 1 to 100, cursors that this list cannot have given, and arguments of both directions at once. */
export function parsePage<const R extends readonly SortKeyRule[]>(
  args: PageArgs,
  { keys, defaultSize = 20 }: PageRules<R>,
): Page<KeysOf<R>> {
  const backward = args.last != null || args.before != null;
  if (backward && (args.first != null || args.after != null)) {
    throw new Refusal(
      invalid('first', 'AMBIGUOUS_PAGE', 'Use first and after, or last and before, not both.'),
    );
  }
  const [size, cursor, field] = backward
    ? [args.last, args.before, 'last']
    : [args.first, args.after, 'first'];
  const limit = size ?? defaultSize;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE_SIZE) {
    throw new Refusal(invalid(field, 'OUT_OF_RANGE', `${field} must be between 1 and ${MAX_PAGE_SIZE}.`));
  }
  return {
    limit,
    direction: backward ? 'backward' : 'forward',
    cursor: cursor == null ? null : requireKeys(cursor, keys, backward ? 'before' : 'after'),
  };
}

/**
 * Builds a connection from at most `limit + 1` rows, read in the page's direction (backward: nearest to the cursor first).
 * The extra row only tells that there is more. What `keyOf` gives has the form that the list's cursors were checked for; `readonly []` in its
 * bound is how the compiler is told to see tuples.
 */
export function toConnection<T, K extends readonly SortKey[] | readonly []>(
  rows: readonly T[],
  page: Page<K>,
  keyOf: (row: T) => NoInfer<K>,
): Connection<T> {
  const more = rows.length > page.limit;
  const kept = rows.slice(0, page.limit);
  if (page.direction === 'backward') kept.reverse();
  const edges = kept.map((node) => ({ cursor: encodeCursor(keyOf(node)), node }));
  const behind = page.cursor !== null;
  return {
    edges,
    nodes: kept,
    pageInfo: {
      hasNextPage: page.direction === 'forward' ? more : behind,
      hasPreviousPage: page.direction === 'forward' ? behind : more,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

/** The same connection over other nodes, in the same order. */
export function mapConnection<T, U>(connection: Connection<T>, map: (node: T) => U): Connection<U> {
  const edges = connection.edges.map(({ cursor, node }) => ({ cursor, node: map(node) }));
  return { edges, nodes: edges.map(({ node }) => node), pageInfo: connection.pageInfo };
}

const MAX_CURSOR_CHARS = 2_000;

const keySchema = z
  // PostgreSQL cannot take NUL in a text.
  .array(z.union([z.string().refine((text) => !text.includes('\0')), z.number()]))
  .min(1)
  .max(4);

const encodeCursor = (key: readonly SortKey[]) => Buffer.from(JSON.stringify(key)).toString('base64url');

// The cursor of another list is as wrong as one that nobody gave: its keys are of another number, or of other kinds.
function requireKeys<R extends readonly SortKeyRule[]>(cursor: string, rules: R, field: string): KeysOf<R> {
  const keys = decodeCursor(cursor);
  if (keys !== null && fitKeys(keys, rules)) return keys;
  throw new Refusal(invalid(field, 'MALFORMED_CURSOR', `${field} is not a cursor of this list.`));
}

const fitKeys = <R extends readonly SortKeyRule[]>(keys: readonly unknown[], rules: R): keys is KeysOf<R> =>
  keys.length === rules.length && rules.every((fits, index) => fits(keys[index] as SortKey));

function decodeCursor(cursor: string): readonly SortKey[] | null {
  if (cursor.length > MAX_CURSOR_CHARS) return null;
  try {
    return keySchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch {
    return null;
  }
}
