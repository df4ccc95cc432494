import type { Database } from '#platform/database.ts';
import { notFound, Refusal } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import { LiveStream, openPolled, type Step } from '#platform/events/live-stream.ts';
import type { TailItem } from '#platform/events/tail.ts';
import { isId } from '#platform/ids.ts';
import type { Listening } from '#platform/polling/poll.ts';
import { findTracksById } from '../data/track.repository.ts';
import { canSee } from '../domain/track.ts';

/** Ids of comments on a track as they are written. Resolves once it is live; ends when the viewer may no longer see the track. */
export interface CommentFeed {
  follow(
    viewerId: string | null,
    trackId: string,
    listening: Listening,
  ): Promise<AsyncIterableIterator<string>>;
}

export function createCommentFeed({
  database,
  events,
}: {
  readonly database: Database;
  readonly events: Events;
}): CommentFeed {
  const sees = async (viewerId: string | null, trackId: string) => {
    const [track] = isId('Track', trackId) ? await findTracksById(database.fork(), [trackId]) : [];
    return track !== undefined && canSee(track, viewerId);
  };
  const requireSeen = async (viewerId: string | null, trackId: string) => {
    if (!(await sees(viewerId, trackId)))
      throw new Refusal(notFound('trackId', trackId, 'There is no such track.'));
  };
  return {
    async follow(viewerId, trackId, { signal, poll }) {
      const source = await openPolled(
        () => requireSeen(viewerId, trackId),
        () => events.tail(`track:${trackId}`, null, signal, poll),
        poll,
        () => sees(viewerId, trackId),
      );
      const step = async (item: TailItem): Promise<Step<string>> => ({
        emit: commentIn(item),
        last: mayHide(item) && !(await sees(viewerId, trackId)),
      });
      return new LiveStream({ source, step, signal });
    },
  };
}

const commentIn = (item: TailItem): string | undefined =>
  item.kind === 'event' && item.event.name === 'track.commented' ? item.event.payload.commentId : undefined;

/** Events after which the viewer may no longer see the track; what a reader who fell behind has missed may have hidden it too. */
const mayHide = (item: TailItem): boolean =>
  item.kind === 'resync' || item.event.name === 'track.updated' || item.event.name === 'track.deleted';
