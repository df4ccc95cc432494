import type { Database } from '#platform/database.ts';
import { notFound, Refusal } from '#platform/errors.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { isId } from '#platform/ids.ts';
import type { Log } from '#platform/log.ts';
import type { Poll } from '#platform/polling/poll.ts';
import { readLiveCounter } from '../data/live-counter.repository.ts';
import { SUBJECT_OF_METRIC, topicOf, type LiveCounter, type LiveMetric } from '../domain/live-counter.ts';
import { openCounterFeed, type Counter, type CounterFeed } from './counter-feed.ts';
import { pollCounter } from './counter-poll.ts';

export interface CounterEvent {
  readonly liveCounter: LiveCounter;
}

export interface LiveCounters {
  /**
   * The number now, then each change. Refuses with NotFoundError what does not exist, or not for everyone, and ends with it when that becomes
   * so.
   */
  watch(
    metric: LiveMetric,
    subjectId: string,
    poll: Poll | null,
  ): Promise<AsyncIterableIterator<CounterEvent>>;
  /** Ends every subscription, with SERVICE_UNAVAILABLE. */
  close(): Promise<void>;
}

export interface LiveCountersDeps {
  readonly database: Database;
  readonly liveBus: LiveBus;
  readonly log: Log;
  readonly now: () => Date;
}

interface Shared {
  readonly feed: Promise<CounterFeed<CounterEvent>>;
  watchers: number;
}

/** One feed for each subject and metric, shared by all who watch it: a thousand watchers cost as many queries as one. */
export function createLiveCounters(deps: LiveCountersDeps): LiveCounters {
  const feeds = new Map<string, Shared>();

  const release = (topic: string, shared: Shared) => {
    shared.watchers -= 1;
    if (shared.watchers > 0) return;
    if (feeds.get(topic) === shared) feeds.delete(topic);
    // One that failed to open has nothing to close, and its watcher got the error.
    shared.feed.then((feed) => feed.close()).catch(() => undefined);
  };

  return {
    async watch(metric, subjectId, poll) {
      if (!isId(SUBJECT_OF_METRIC[metric], subjectId)) throw unknownSubject(subjectId);
      const topic = topicOf(metric, subjectId);
      if (poll) return pollCounter(poll, topic, counterOf(deps, metric, subjectId));
      const shared = feeds.get(topic) ?? { feed: open(deps, metric, subjectId), watchers: 0 };
      feeds.set(topic, shared);
      // Counted before waiting: the last one to leave meanwhile must not close it under this one.
      shared.watchers += 1;
      try {
        const feed = await shared.feed;
        return feed.watch(() => release(topic, shared));
      } catch (error) {
        release(topic, shared);
        throw error;
      }
    },
    async close() {
      const open = [...feeds.values()];
      feeds.clear();
      await Promise.allSettled(open.map(async ({ feed }) => (await feed).close()));
    },
  };
}

const counterOf = (
  { database, now }: LiveCountersDeps,
  metric: LiveMetric,
  subjectId: string,
): Counter<CounterEvent> => ({
  read: () => readLiveCounter(database.fork(), metric, subjectId, now()),
  toEvent: (value) => ({ liveCounter: { subjectId, metric, value, at: now() } }),
  refusal: () => unknownSubject(subjectId),
  loss: () =>
    new Refusal(notFound('subjectId', subjectId, 'This was deleted, or is no longer for everyone.')),
});

function open(
  deps: LiveCountersDeps,
  metric: LiveMetric,
  subjectId: string,
): Promise<CounterFeed<CounterEvent>> {
  const { liveBus, log } = deps;
  const subscribe = () => liveBus.subscribe(topicOf(metric, subjectId));
  return openCounterFeed({ ...counterOf(deps, metric, subjectId), subscribe, log });
}

const unknownSubject = (subjectId: string) =>
  new Refusal(notFound('subjectId', subjectId, 'There is nothing with this id to count.'));
