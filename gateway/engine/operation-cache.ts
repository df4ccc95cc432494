import { print, type DocumentNode } from 'graphql';
import { compileDocument, prepareOperation, type Operation } from './operation.ts';
import { DEFAULT_LIMITS, type OperationLimits } from './operation-limits.ts';
import type { SupergraphState } from './supergraph-state.ts';

/** Operations of one supergraph, compiled once. Least recently used ones go first when the bound is reached. */
export interface OperationCache {
  get(query: string, operationName: string | null | undefined): Operation;
  /** For documents that somebody else parsed, validated and keeps; they live here as long as the document object does. */
  getDocument(document: DocumentNode, operationName: string | null | undefined): Operation;
  /** Valid operations that are kept, the one used last first. */
  recent(): { readonly query: string; readonly operationName: string | null }[];
  readonly counts: Readonly<CacheCounts>;
  size(): CacheSize;
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
  readonly counts?: CacheCounts;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

/** A compiled operation takes about this many times the bytes of its text (measured on joins of 3 to 6 fetches), */
const BYTES_PER_CHAR = 60;
/** an invalid one its text and its errors. */
const BYTES_PER_INVALID_CHAR = 4;
const BYTES_PER_ENTRY = 2_000;
/** So that invalid documents cannot push out valid ones. */
const INVALID_SHARE = 0.1;

export function createOperationCache(
  state: SupergraphState,
  options: OperationCacheOptions = {},
): OperationCache {
  const { maxBytes = DEFAULT_MAX_BYTES, limits = DEFAULT_LIMITS, counts = createCacheCounts() } = options;
  const onEvict = () => void (counts.evictions += 1);
  const valid = createLru(maxBytes * (1 - INVALID_SHARE), onEvict);
  const invalid = createLru(maxBytes * INVALID_SHARE, onEvict);
  const documents = new WeakMap<DocumentNode, Map<string, Operation>>();
  return {
    get(query, operationName) {
      const key = `${operationName ?? ''}\n${query}`;
      const known = valid.get(key) ?? invalid.get(key);
      counts[known ? 'hits' : 'misses'] += 1;
      if (known) return known;
      const operation = prepareOperation(state, limits, query, operationName);
      if (operation.errors)
        invalid.set(key, operation, key.length * BYTES_PER_INVALID_CHAR + BYTES_PER_ENTRY);
      else valid.set(key, operation, key.length * BYTES_PER_CHAR + BYTES_PER_ENTRY);
      return operation;
    },
    getDocument(document, operationName) {
      let byName = documents.get(document);
      if (!byName) documents.set(document, (byName = new Map()));
      const key = operationName ?? '';
      let operation = byName.get(key);
      if (operation) counts.hits += 1;
      else {
        // Documents are new objects after a swap, for which their text was planned already.
        const textKey = `${key}\n${print(document)}`;
        operation = valid.get(textKey);
        counts[operation ? 'hits' : 'misses'] += 1;
        operation ??= compileDocument(state, limits, document, operationName);
        // Names that the document does not have are the client's to invent, without end.
        if (!operation.errors) {
          byName.set(key, operation);
          valid.set(textKey, operation, textKey.length * BYTES_PER_CHAR + BYTES_PER_ENTRY);
        }
      }
      return operation;
    },
    counts,
    size: () => sumOfSizes([valid.size(), invalid.size()]),
    recent: () =>
      valid.keys().map((key) => {
        const end = key.indexOf('\n');
        return { operationName: key.slice(0, end) || null, query: key.slice(end + 1) };
      }),
  };
}

export const sumOfSizes = (sizes: readonly CacheSize[]): CacheSize => ({
  entries: sizes.reduce((sum, { entries }) => sum + entries, 0),
  bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
});

interface Lru {
  get(key: string): Operation | undefined;
  set(key: string, operation: Operation, bytes: number): void;
  /** The one used last first. */
  keys(): string[];
  size(): CacheSize;
}

/** A Map keeps insertion order: the first key is the one that was not used for the longest time. */
function createLru(maxBytes: number, onEvict: () => void): Lru {
  const entries = new Map<string, { operation: Operation; bytes: number }>();
  let total = 0;
  const drop = (key: string) => {
    total -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };
  return {
    keys: () => [...entries.keys()].toReversed(),
    size: () => ({ entries: entries.size, bytes: total }),
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
