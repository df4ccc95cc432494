import type { Em } from '#platform/database.ts';
import { forbidden, notFound, Refusal } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import { isId, newId } from '#platform/ids.ts';
import type { Viewer } from '#platform/viewer.ts';
import { deleteComment, findCommentsById, insertComment } from '../data/comment.repository.ts';
import { hasBlocked } from '../data/neighbour.repository.ts';
import { findTracksById, lockTrack } from '../data/track.repository.ts';
import { acceptComment, requireMayDelete, type TrackComment } from '../domain/comment.ts';
import { canSee, type Track } from '../domain/track.ts';

export interface Comments {
  write(viewer: Viewer, trackId: string, body: string, atMs: number | null): Promise<TrackComment>;
  delete(viewer: Viewer, id: string): Promise<{ readonly commentId: string; readonly track: Track }>;
}

export function createComments({ events, now }: { events: Events; now: () => Date }): Comments {
  return {
    write: (viewer, trackId, body, atMs) =>
      events.transact(async ({ em, append }) => {
        const authorId = viewer.userId;
        const track = await lockSeen(em, authorId, trackId);
        if (await hasBlocked(em, track.artistId, authorId))
          throw new Refusal(forbidden('The artist has blocked you.', null, 'trackId'));
        const text = acceptComment(track, body, atMs);
        const at = now();
        const id = newId('TrackComment', at.getTime());
        const comment = { id, trackId, authorId, body: text, atMs, createdAt: at };
        await insertComment(em, comment);
        const payload = { trackId, artistId: track.artistId, commentId: id, userId: authorId, atMs };
        await append({ stream: `track:${trackId}`, name: 'track.commented', payload, actorId: authorId });
        return comment;
      }),

    delete: (viewer, id) =>
      events.transact(async ({ em, append }) => {
        const [comment] = isId('TrackComment', id) ? await findCommentsById(em, [id]) : [];
        const track = comment && (await lockTrack(em, comment.trackId));
        if (!comment || !track || !canSee(track, viewer.userId)) throw noComment(id);
        requireMayDelete(comment, track, viewer.userId);
        if (!(await deleteComment(em, comment))) throw noComment(id);
        const payload = { trackId: track.id, artistId: track.artistId, commentId: id };
        const event = { stream: `track:${track.id}`, payload, actorId: viewer.userId };
        await append({ ...event, name: 'track.commentDeleted' });
        const [after] = await findTracksById(em, [track.id]);
        return { commentId: id, track: after! };
      }),
  };
}

// Locked, because the counter is on the track's row: who only held it could deadlock with another who writes.
async function lockSeen(em: Em, viewerId: string, trackId: string): Promise<Track> {
  const track = isId('Track', trackId) ? await lockTrack(em, trackId) : null;
  if (track && canSee(track, viewerId)) return track;
  throw new Refusal(notFound('trackId', trackId, 'There is no such track.'));
}

const noComment = (id: string) => new Refusal(notFound('id', id, 'There is no such comment.'));
