import { isId, type IdType } from './ids.ts';
import { isInstant } from './instant.ts';

/** One value of what orders a list, as it travels in a cursor. */
export type SortKey = string | number;

/** Says whether a key can stand at its place of a list's cursors. Clients can make cursors up, so nothing else may reach the database. */
export type SortKeyRule<K extends SortKey = SortKey> = (key: SortKey) => key is K;

/** The keys that rules let through, place by place. */
export type KeysOf<R extends readonly SortKeyRule[]> = {
  readonly [I in keyof R]: R[I] extends SortKeyRule<infer K> ? K : never;
};

const INT_MAX = 2_147_483_647;

/** A moment as an RFC 3339 text. */
export const instantKey = (key: SortKey): key is string => typeof key === 'string' && isInstant(key);

/** A number that fits PostgreSQL's `int`. */
export const intKey = (key: SortKey): key is number =>
  Number.isInteger(key) && Math.abs(Number(key)) <= INT_MAX;

/** Any finite number. */
export const numberKey = (key: SortKey): key is number => Number.isFinite(key);

/** A count of minor units, which may be larger than a number can say exactly: up to 18 digits. */
export const minorUnitsKey = (key: SortKey): key is string =>
  typeof key === 'string' && /^\d{1,18}$/.test(key);

/** An id of one of the types. */
export const idKey =
  (...types: readonly IdType[]) =>
  (key: SortKey): key is string =>
    typeof key === 'string' && types.some((type) => isId(type, key));
