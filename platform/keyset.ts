import type { Page } from './paging.ts';
import { textArray } from './text-array.ts';

/** The columns that order a list, all in one direction and unique together, with the types of their keys. */
export interface ListOrder {
  readonly columns: readonly { readonly name: string; readonly type: 'text' | 'int' | 'timestamptz' }[];
  readonly direction: 'asc' | 'desc';
}

/** SQL of one page: a condition to go behind `where`, the order, and the condition's parameters. Read `page.limit + 1` rows. */
export interface PageSql {
  readonly condition: string;
  readonly order: string;
  readonly parameters: readonly (string | number)[];
}

export function keyset(page: Page, { columns, direction }: ListOrder): PageSql {
  const ascending = (direction === 'asc') === (page.direction === 'forward');
  const names = columns.map(({ name }) => name);
  const keys = columns.map(({ type }) => `?::${type}`);
  return {
    condition: page.cursor ? `and (${names.join(', ')}) ${ascending ? '>' : '<'} (${keys.join(', ')})` : '',
    order: names.map((name) => `${name} ${ascending ? 'asc' : 'desc'}`).join(', '),
    parameters: page.cursor ?? [],
  };
}

/** Lists of one kind: the table their rows are in, and the column that tells whose list a row belongs to. */
export interface OwnedList {
  readonly table: string;
  /** What the columns of `owner`, `where` and `order` are prefixed with, where they are. */
  readonly alias?: string;
  readonly owner: string;
  readonly where?: string;
  readonly whereParameters?: readonly unknown[];
  readonly order: ListOrder;
}

/**
 * SQL of the same page of many owners' lists: what to select `from`, the order of each owner's rows, and the parameters of `from`. It is one
 * walk along the list's index for each owner, and gives `page.limit + 1` rows of each at most.
 */
export function pageOfEach(ownerIds: readonly string[], page: Page, list: OwnedList) {
  const { table, alias = table, owner, where = 'true', whereParameters = [] } = list;
  const { condition, order, parameters } = keyset(page, list.order);
  return {
    from: `unnest(?::text[]) as wanted(owner_of_list) cross join lateral (
      select * from ${table} as ${alias} where ${owner} = wanted.owner_of_list and ${where} ${condition}
      order by ${order} limit ?) as ${alias}`,
    order,
    parameters: [textArray(ownerIds), ...whereParameters, ...parameters, page.limit + 1],
  };
}
