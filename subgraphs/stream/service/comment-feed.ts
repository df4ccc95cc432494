import type { Database } from '#platform/database.ts';
import { forbidden, notFound, Refusal } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import { LiveStream, type Step } from '#platform/events/live-stream.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { lossOf, whileEntitled } from '#platform/events/rights.ts';
import type { TailItem } from '#platform/events/tail.ts';
import { isId } from '#platform/ids.ts';
import type { Log } from '#platform/log.ts';
import type { Listening } from '#platform/polling/poll.ts';
import { findTracksById } from '../data/track.repository.ts';
import { canSee, type Track } from '../domain/track.ts';

/** Ids of comments on a track as they are written. Resolves once it is live; ends with a Refusal when the viewer may no longer see the track. */
export interface CommentFeed {
  follow(
    viewerId: string | null,
    trackId: string,
    listening: Listening,
  ): Promise<AsyncIterableIterator<string>>;
}

export interface CommentFeedDeps {
  readonly database: Database;
  readonly events: Events;
  readonly liveBus: LiveBus;
  readonly log: Log;
}

export function createCommentFeed(deps: CommentFeedDeps): CommentFeed {
  const find = async (trackId: string) => {
    const [track] = isId('Track', trackId) ? await findTracksById(deps.database.fork(), [trackId]) : [];
    return track ?? null;
  };
  return {
    async follow(viewerId, trackId, { signal, poll }) {
      // Whoever cannot see the track must not learn that there is one; whoever could is told why that is over.
      const track = poll?.continues ? null : await find(trackId);
      if (!poll?.continues && !(track && canSee(track, viewerId))) throw noSuchTrack(trackId);
      const check = async () => {
        requireStillSeen(await find(trackId), viewerId, trackId);
        return true;
      };
      const step = async (item: TailItem): Promise<Step<string>> => ({
        emit: commentIn(item),
        failure: mayHide(item) ? await lossOf(check) : null,
      });
      const open = async () => {
        const source = await deps.events.tail(`track:${trackId}`, null, { signal, poll });
        return new LiveStream({ source, step, signal });
      };
      // All that can take the right away stands in the track's own log.
      return whileEntitled({ check, topics: [] }, open, { ...deps, signal, poll });
    },
  };
}

function requireStillSeen(track: Track | null, viewerId: string | null, trackId: string): void {
  if (!track) throw new Refusal(notFound('trackId', trackId, 'The track was deleted.'));
  if (!canSee(track, viewerId)) throw new Refusal(forbidden('The track is private now.', null, 'trackId'));
}

const noSuchTrack = (trackId: string) => new Refusal(notFound('trackId', trackId, 'There is no such track.'));

const commentIn = (item: TailItem): string | undefined =>
  item.kind === 'event' && item.event.name === 'track.commented' ? item.event.payload.commentId : undefined;

/** Events after which the viewer may no longer see the track; what a reader who fell behind has missed may have hidden it too. */
const mayHide = (item: TailItem): boolean =>
  item.kind === 'resync' || item.event.name === 'track.updated' || item.event.name === 'track.deleted';
