import type { Em } from '#platform/database.ts';
import { idsOf, isId } from '#platform/ids.ts';
import { createListLoader, createLoader, type Loader } from '#platform/loader.ts';
import {
  mapConnection,
  parsePage,
  toConnection,
  type Connection,
  type Page,
  type PageArgs,
} from '#platform/paging.ts';
import { idKey, instantKey, intKey } from '#platform/sort-keys.ts';
import { findCommentsById, listComments, momentKey, type CommentOrder } from '../data/comment.repository.ts';
import { findLiked, findTracksById, listLiked, listTracksOf } from '../data/track.repository.ts';
import type { TrackComment } from '../domain/comment.ts';
import { canSee, type Track } from '../domain/track.ts';

/** Reads of tracks in one operation, as its viewer may see them; its loaders batch and remember. */
export interface Catalog {
  /** Null for what the viewer may not see, and for ids that are none. */
  readonly tracksById: Loader<Track>;
  /** A comment is seen by whoever may see its track; null for others. */
  comment(id: string): Promise<TrackComment | null>;
  viewerLikes(trackId: string): Promise<boolean>;
  tracksOf(artistId: string, args: PageArgs): Promise<Connection<Track>>;
  likedBy(userId: string, args: PageArgs): Promise<Connection<Track | null>>;
  commentsOf(trackId: string, order: CommentOrder, args: PageArgs): Promise<Connection<TrackComment>>;
}

const COMMENTS_PER_PAGE = 50;

export function createCatalog(em: Em, viewerId: string | null): Catalog {
  const tracksById = createLoader(
    async (ids) => (await findTracksById(em, idsOf('Track', ids))).filter((one) => canSee(one, viewerId)),
    (track: Track) => track.id,
  );
  const likes = createLoader(
    (ids) => findLiked(em, viewerId ?? '', ids),
    (id) => id,
  );
  const commentsById = createLoader(
    (ids) => findCommentsById(em, idsOf('TrackComment', ids)),
    (comment) => comment.id,
  );
  const lists = createLists(em, viewerId);
  return {
    tracksById,
    async comment(id) {
      const comment = await commentsById.load(id);
      return comment && (await tracksById.load(comment.trackId)) ? comment : null;
    },
    viewerLikes: async (trackId) => viewerId !== null && (await likes.load(trackId)) !== null,

    async tracksOf(artistId, args) {
      const page = parsePage(args, { keys: [idKey('Track')] });
      const rows = isId('User', artistId) ? await lists.tracks.load(artistId, page) : [];
      return toConnection(rows, page, ({ id }) => [id]);
    },

    async likedBy(userId, args) {
      const page = parsePage(args, { keys: [instantKey, idKey('Track')] });
      const rows = isId('User', userId) ? await lists.likes.load(userId, page) : [];
      const connection = toConnection(rows, page, (row) => [row.likedAt.toISOString(), row.trackId]);
      const tracks = await Promise.all(connection.nodes.map(({ trackId }) => tracksById.load(trackId)));
      const byRow = new Map(connection.nodes.map((row, index) => [row, tracks[index] ?? null]));
      return mapConnection(connection, (row) => byRow.get(row) ?? null);
    },

    async commentsOf(trackId, order, args) {
      const defaultSize = COMMENTS_PER_PAGE;
      if (order === 'NEWEST') {
        const page = parsePage(args, { keys: [idKey('TrackComment')], defaultSize });
        return toConnection(await lists.comments.load(trackId, { order, page }), page, ({ id }) => [id]);
      }
      const page = parsePage(args, { keys: [intKey, idKey('TrackComment')], defaultSize });
      return toConnection(await lists.comments.load(trackId, { order, page }), page, momentKey);
    },
  };
}

interface CommentPage {
  readonly order: CommentOrder;
  readonly page: Page;
}

function createLists(em: Em, viewerId: string | null) {
  return {
    tracks: createListLoader(
      (artistIds, page: Page) => listTracksOf(em, artistIds, viewerId, page),
      (track) => track.artistId,
    ),
    likes: createListLoader(
      (userIds, page: Page) => listLiked(em, userIds, viewerId, page),
      (liked) => liked.userId,
    ),
    comments: createListLoader(
      (trackIds, { order, page }: CommentPage) => listComments(em, trackIds, order, page),
      (comment) => comment.trackId,
    ),
  };
}
