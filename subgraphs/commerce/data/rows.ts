import type { Page } from '#platform/paging.ts';

/** Rows are read as they are at this moment: an identity map would return what an earlier statement of the operation saw. */
export const FRESH = { disableIdentityMap: true } as const;

/** Where a list is ordered by id alone. */
export type PageById = Page<readonly [id: string]>;

/** Condition and order of a page over ids, newest first; a backward page is read from its other end. */
export function newestById({ direction, cursor, limit }: PageById) {
  const forward = direction === 'forward';
  return {
    where: cursor === null ? {} : { id: forward ? { $lt: cursor[0] } : { $gt: cursor[0] } },
    options: { ...FRESH, ...newestFirst(direction), limit: limit + 1 },
  } as const;
}

export const newestFirst = (direction: Page['direction']) =>
  ({ orderBy: { id: direction === 'forward' ? 'desc' : 'asc' } }) as const;
