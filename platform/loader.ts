import DataLoader from 'dataloader';

export type Loader<V> = DataLoader<string, V | null>;

/**
 * Batches look-ups by key within one operation. `loadMany` gets distinct keys and may answer in any order and leave keys out;
 * a key without a value loads as null. Make one per operation: its memory is a cache.
 */
export function createLoader<V>(
  loadMany: (keys: readonly string[]) => Promise<readonly V[]>,
  keyOf: (value: V) => string,
): Loader<V> {
  return new DataLoader<string, V | null>(async (keys) => {
    const values = new Map((await loadMany(keys)).map((value) => [keyOf(value), value]));
    return keys.map((key) => values.get(key) ?? null);
  });
}

/**
 * As createLoader, for what many values can belong to, such as the lines of an order: a key loads as its values, in the order in which
 * `loadMany` gives them, and as an empty list where it has none.
 */
export function createGroupLoader<V>(
  loadMany: (keys: readonly string[]) => Promise<readonly V[]>,
  keyOf: (value: V) => string,
): DataLoader<string, readonly V[]> {
  return new DataLoader<string, readonly V[]>(async (keys) => {
    const groups = Map.groupBy(await loadMany(keys), keyOf);
    return keys.map((key) => groups.get(key) ?? []);
  });
}

/** Lists with arguments, each with an owner: for example the first ten tracks of a user. */
export interface ListLoader<A, V> {
  load(ownerId: string, args: A): Promise<readonly V[]>;
  clearAll(): void;
}

/** Batches what is asked of many owners with the same arguments, which are plain data. Values are grouped as by createGroupLoader. */
export function createListLoader<A, V>(
  loadMany: (ownerIds: readonly string[], args: A) => Promise<readonly V[]>,
  ownerOf: (value: V) => string,
): ListLoader<A, V> {
  const loaders = new Map<string, DataLoader<string, readonly V[]>>();
  return {
    load(ownerId, args) {
      const key = JSON.stringify(args);
      const loader = loaders.get(key) ?? createGroupLoader((ids) => loadMany(ids, args), ownerOf);
      loaders.set(key, loader);
      return loader.load(ownerId);
    },
    clearAll: () => loaders.clear(),
  };
}
