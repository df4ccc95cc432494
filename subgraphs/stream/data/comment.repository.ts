import type { Em } from '#platform/database.ts';
import { pageOfEach, type ListOrder } from '#platform/keyset.ts';
import type { Page } from '#platform/paging.ts';
import type { TrackComment } from '../domain/comment.ts';
import { TrackCommentEntity, type TrackCommentRow } from './track.entity.ts';

export type CommentOrder = 'TIMESTAMP' | 'NEWEST';

/** Where comments on the whole track stand: behind every moment. */
const WHOLE_TRACK_MS = 2_147_483_647;

const BY_ID = { name: 'id', type: 'text' } as const;
const ORDERS: Readonly<Record<CommentOrder, ListOrder>> = {
  NEWEST: { columns: [BY_ID], direction: 'desc' },
  TIMESTAMP: {
    columns: [{ name: `coalesce(at_ms, ${WHOLE_TRACK_MS})`, type: 'int' }, BY_ID],
    direction: 'asc',
  },
};

/** Sort key of a comment where they are listed by their moment. */
export const momentKey = ({ atMs, id }: TrackComment): readonly [number, string] => [
  atMs ?? WHOLE_TRACK_MS,
  id,
];

export async function findCommentsById(em: Em, ids: readonly string[]): Promise<TrackComment[]> {
  return (await em.find(TrackCommentEntity, { id: { $in: [...ids] } })).map(toComment);
}

/** The same page of each track's comments. */
export async function listComments(
  em: Em,
  trackIds: readonly string[],
  by: CommentOrder,
  page: Page,
): Promise<TrackComment[]> {
  const list = { table: 'track_comment', owner: 'track_id', order: ORDERS[by] };
  const { from, order, parameters } = pageOfEach(trackIds, page, list);
  const rows = await em.execute<(Omit<TrackComment, 'createdAt'> & { createdAt: Date | string })[]>(
    `select id, track_id as "trackId", author_id as "authorId", body, at_ms as "atMs", created_at as "createdAt"
     from ${from} order by ${order}`,
    parameters,
  );
  return rows.map((row) => ({ ...row, createdAt: new Date(row.createdAt) }));
}

/** The counter moves with the row, so it cannot drift. */
export async function insertComment(em: Em, comment: TrackComment): Promise<void> {
  await em.insert(TrackCommentEntity, comment);
  await em.execute('update track set comment_count = comment_count + 1 where id = ?', [comment.trackId]);
}

/** False where someone else deleted it first. */
export async function deleteComment(em: Em, { id, trackId }: TrackComment): Promise<boolean> {
  const count = await em.nativeDelete(TrackCommentEntity, { id });
  if (count === 1)
    await em.execute('update track set comment_count = comment_count - 1 where id = ?', [trackId]);
  return count === 1;
}

const toComment = (row: TrackCommentRow): TrackComment => ({ ...row, atMs: row.atMs ?? null });
