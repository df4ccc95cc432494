import { print, type DocumentNode } from 'graphql';
import type { Grants } from './authorization/grants.ts';
import { isRestricted, unmetBy, type RestrictedOperation } from './authorization/restricted-operation.ts';
import { compileDocument, prepareOperation, type Operation, type PreparedOperation } from './operation.ts';
import { DEFAULT_LIMITS, type OperationLimits } from './operation-limits.ts';
import type { SupergraphState } from './supergraph-state.ts';

/** Operations of one supergraph, compiled once. Least recently used ones go first when the bound is reached. */
export interface OperationCache {
  /** As whoever has these grants may run it. */
  get(query: string, operationName: string | null | undefined, grants?: Grants): Operation;
  /** For documents that somebody else parsed, validated and keeps; they live here as long as the document object does. */
  getDocument(document: DocumentNode, operationName: string | null | undefined, grants?: Grants): Operation;
  /** Null for an operation that nobody may run. */
  kindOf(query: string, operationName: string | null | undefined): RestrictedOperation['kind'] | null;
  /** Valid operations that are kept, as those may run them who did so last, the one used last first. */
  recent(): RecentOperation[];
  /** From then on what was used first counts as used last: for a cache that was filled in that order. */
  reverse(): void;
  readonly counts: Readonly<CacheCounts>;
  size(): CacheSize;
}

export interface RecentOperation {
  readonly query: string;
  readonly operationName: string | null;
  /** Of whoever ran it last; an operation that is not the same for all callers stands here once for each of its variants. */
  readonly grants: Grants | undefined;
}

/** What look-ups came to, of all caches that share it. */
export interface CacheCounts {
  hits: number;
  misses: number;
  /** Operations that made room for others. */
  evictions: number;
}

export const createCacheCounts = (): CacheCounts => ({ hits: 0, misses: 0, evictions: 0 });

export interface CacheSize {
  readonly entries: number;
  /** Approximate. */
  readonly bytes: number;
}

export interface OperationCacheOptions {
  /** Approximate bytes of memory. */
  readonly maxBytes?: number;
  readonly limits?: OperationLimits;
  /** Whether an operation is refused that asks for what its caller may not see; else it runs without. */
  readonly rejectUnauthorized?: boolean;
  readonly counts?: CacheCounts;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

/** A compiled operation takes about this many times the bytes of its text (measured on joins of 3 to 6 fetches), */
const BYTES_PER_CHAR = 60;
/** an invalid one its text and its errors. */
const BYTES_PER_INVALID_CHAR = 4;
/** One that is not the same for all callers its text and its document. */
const BYTES_PER_RESTRICTED_CHAR = 30;
const BYTES_PER_ENTRY = 2_000;
/** So that invalid documents cannot push out valid ones. */
const INVALID_SHARE = 0.1;
const RESTRICTED_SHARE = 0.1;

export function createOperationCache(
  state: SupergraphState,
  options: OperationCacheOptions = {},
): OperationCache {
  const { limits = DEFAULT_LIMITS, counts = createCacheCounts(), rejectUnauthorized = false } = options;
  const store = createStore(state, options.maxBytes ?? DEFAULT_MAX_BYTES, counts);
  const documents = new WeakMap<DocumentNode, Map<string, PreparedDocument>>();
  const prepare = (key: string, query: string, name: string | null | undefined): PreparedOperation =>
    store.find(key) ?? store.keep(key, prepareOperation(state, limits, query, name));
  const prepareDocument = (document: DocumentNode, name: string | null | undefined): PreparedDocument => {
    // Documents are new objects after a swap, for which their text was planned already.
    const key = keyOf(name, print(document));
    const operation = store.find(key) ?? store.keep(key, compileDocument(state, limits, document, name));
    return { key, operation };
  };
  const permitted = (key: string, operation: PreparedOperation, grants: Grants | undefined): Operation => {
    if (!isRestricted(operation)) return operation;
    const unmet = unmetBy(operation, grants);
    const mask = operation.requirements.map((requirement) => (unmet.has(requirement) ? '0' : '1')).join('');
    const ownKey = mask + key;
    const known = store.findPermitted(ownKey, grants);
    return known ?? store.keep(ownKey, operation.without(unmet, rejectUnauthorized), grants);
  };
  return {
    get(query, name, grants) {
      const key = keyOf(name, query);
      return permitted(key, prepare(key, query, name), grants);
    },
    getDocument(document, name, grants) {
      let byName = documents.get(document);
      if (!byName) documents.set(document, (byName = new Map()));
      let prepared = byName.get(name ?? '');
      if (prepared) counts.hits += 1;
      else prepared = prepareDocument(document, name);
      // Names that the document does not have are the client's to invent, without end.
      if (!prepared.operation.errors) byName.set(name ?? '', prepared);
      return permitted(prepared.key, prepared.operation, grants);
    },
    kindOf(query, name) {
      const operation = prepare(keyOf(name, query), query, name);
      return operation.errors ? null : operation.kind;
    },
    counts,
    size: store.size,
    reverse: store.reverse,
    recent: () => store.recent().map(([key, { grants }]) => ({ ...readKey(key), grants })),
  };
}

interface PreparedDocument {
  readonly key: string;
  readonly operation: PreparedOperation;
}

const MARK = '=';

/**
 * Names and texts are the client's to choose. What stands before the mark is not: which of its requirements are met, where an operation is not the
 * same for all callers. So nobody reaches by an invented name what is kept for others.
 */
const keyOf = (name: string | null | undefined, query: string) => `${MARK}${name ?? ''}\n${query}`;

function readKey(key: string) {
  const [begin, end] = [key.indexOf(MARK) + MARK.length, key.indexOf('\n')];
  return { operationName: key.slice(begin, end) || null, query: key.slice(end + 1) };
}

/** An operation as somebody may run it. */
interface Variant {
  readonly operation: Operation;
  /** Of whoever ran it last. */
  grants: Grants | undefined;
}

interface Store {
  find(key: string): PreparedOperation | undefined;
  findPermitted(key: string, grants: Grants | undefined): Operation | undefined;
  /** Gives back what it takes. */
  keep<T extends PreparedOperation>(key: string, operation: T, grants?: Grants): T;
  /** Valid operations with their keys, the one used last first. */
  recent(): (readonly [key: string, variant: Variant])[];
  reverse(): void;
  size(): CacheSize;
}

function createStore({ authorization }: SupergraphState, maxBytes: number, counts: CacheCounts): Store {
  const onEvict = () => void (counts.evictions += 1);
  const restrictedShare = authorization ? RESTRICTED_SHARE : 0;
  const valid = createLru<Variant>(maxBytes * (1 - INVALID_SHARE - restrictedShare), onEvict);
  const invalid = createLru<Operation>(maxBytes * INVALID_SHARE, onEvict);
  const restricted = createLru<RestrictedOperation>(maxBytes * restrictedShare, onEvict);
  const counted = <T>(found: T | undefined): T | undefined => {
    counts[found ? 'hits' : 'misses'] += 1;
    return found;
  };
  return {
    find: (key) => counted(valid.get(key)?.operation ?? invalid.get(key) ?? restricted.get(key)),
    findPermitted(key, grants) {
      const variant = valid.get(key);
      if (variant) variant.grants = grants;
      return counted(variant?.operation ?? invalid.get(key));
    },
    keep(key, operation, grants) {
      const bytes = (perChar: number) => key.length * perChar + BYTES_PER_ENTRY;
      if (isRestricted(operation)) restricted.set(key, operation, bytes(BYTES_PER_RESTRICTED_CHAR));
      else if (operation.errors) invalid.set(key, operation, bytes(BYTES_PER_INVALID_CHAR));
      else valid.set(key, { operation, grants }, bytes(BYTES_PER_CHAR));
      return operation;
    },
    recent: valid.entries,
    reverse() {
      valid.reverse();
      restricted.reverse();
    },
    size: () => sumOfSizes([valid.size(), invalid.size(), restricted.size()]),
  };
}

export const sumOfSizes = (sizes: readonly CacheSize[]): CacheSize => ({
  entries: sizes.reduce((sum, { entries }) => sum + entries, 0),
  bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
});

interface Lru<T> {
  get(key: string): T | undefined;
  set(key: string, operation: T, bytes: number): void;
  /** The one used last first. */
  entries(): (readonly [key: string, operation: T])[];
  reverse(): void;
  size(): CacheSize;
}

/** A Map keeps insertion order: the first key is the one that was not used for the longest time. */
function createLru<T>(maxBytes: number, onEvict: () => void): Lru<T> {
  const entries = new Map<string, { operation: T; bytes: number }>();
  let total = 0;
  const drop = (key: string) => {
    total -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };
  return {
    entries: () => [...entries].map(([key, { operation }]) => [key, operation] as const).toReversed(),
    size: () => ({ entries: entries.size, bytes: total }),
    reverse() {
      const all = [...entries].toReversed();
      entries.clear();
      for (const [key, entry] of all) entries.set(key, entry);
    },
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.operation;
    },
    set(key, operation, bytes) {
      if (bytes > maxBytes) return;
      drop(key);
      entries.set(key, { operation, bytes });
      total += bytes;
      for (const oldest of entries.keys()) {
        if (total <= maxBytes) break;
        drop(oldest);
        onEvict();
      }
    },
  };
}
