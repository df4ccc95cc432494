import type { Database } from '#platform/database.ts';
import { messageOf } from '#platform/errors.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { followTopic, type TopicFeed } from '#platform/events/topic-feed.ts';
import type { Log } from '#platform/log.ts';
import {
  LISTENING_TOPIC,
  listeningAnswers,
  listeningQuestion,
  type ListeningAnswer,
  type ListeningQuestion,
} from '#schema/listening.ts';
import { findListeners } from '../data/listener.repository.ts';

/** Answers media servers that ask who may listen to broadcasts. Several processes may answer the same question: they say the same. */
export interface Listening {
  start(): void;
  stop(): Promise<void>;
}

export function createListening(deps: {
  readonly database: Database;
  readonly liveBus: LiveBus;
  readonly log: Log;
}): Listening {
  const { database, liveBus, log } = deps;
  const working = new Set<Promise<void>>();
  let feed: TopicFeed | null = null;

  const answer = async ({ serverId, listeners }: ListeningQuestion) => {
    const allowed = await findListeners(database.fork(), listeners);
    const message: ListeningAnswer = {
      listeners: listeners.map((one, index) => ({ ...one, allowed: allowed.has(index) })),
    };
    await liveBus.publish(listeningAnswers(serverId), message);
  };
  // A question without an answer is asked again.
  const onMessage = (question: ListeningQuestion) => {
    const work = database
      .background(() => answer(question))
      .catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'who may listen was not answered'))
      .finally(() => working.delete(work));
    working.add(work);
  };

  return {
    start: () =>
      void (feed = followTopic({
        liveBus,
        topic: LISTENING_TOPIC,
        schema: listeningQuestion,
        onMessage,
        log,
      })),
    async stop() {
      await feed?.close();
      await Promise.all(working);
    },
  };
}
