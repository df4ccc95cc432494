import type { Em } from '#platform/database.ts';
import { textArray } from '#platform/text-array.ts';

/** A total per subject: plays of a track, units sold of a product, followers of a user. Ids are unique across the graph. */
export async function addToTotal(em: Em, subjectId: string, by: number): Promise<void> {
  await em.execute(
    `insert into subject_total as t (subject_id, value) values (?, ?)
     on conflict (subject_id) do update set value = t.value + excluded.value`,
    [subjectId, by],
    'run',
  );
}

export interface Total {
  readonly id: string;
  readonly value: number;
}

export async function findTotals(em: Em, ids: readonly string[]): Promise<Total[]> {
  return em.execute<Total[]>(
    `select subject_id as id, value::float8 as value from subject_total where subject_id = any(?::text[])`,
    [textArray(ids)],
  );
}
