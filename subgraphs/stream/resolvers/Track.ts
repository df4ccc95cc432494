import { FILE_URL_TTL_MS } from '#platform/files/file-store.ts';
import { findGenre } from '../domain/genre.ts';
import type { TrackCommentResolvers, TrackResolvers } from '../generated/resolvers.ts';

export const Track: TrackResolvers = {
  __resolveReference: ({ id }, { catalog }) => catalog.tracksById.load(id),
  artist: ({ artistId }) => ({ id: artistId }),
  genre: ({ genre }) => (genre === null ? null : findGenre(genre)),
  tags: ({ tags }) => [...tags],
  audioUrl: ({ audioKey }, _args, { files }) => files.urlOf(audioKey, FILE_URL_TTL_MS),
  viewerLiked: ({ id }, _args, { catalog }) => catalog.viewerLikes(id),
  comments: ({ id }, { order, ...args }, { catalog }) => catalog.commentsOf(id, order ?? 'TIMESTAMP', args),
};

export const TrackComment: TrackCommentResolvers = {
  __resolveReference: ({ id }, { catalog }) => catalog.comment(id),
  track: ({ trackId }, _args, { catalog }) => catalog.tracksById.load(trackId),
  author: ({ authorId }) => ({ id: authorId }),
};
