import { followTopic } from '#platform/events/topic-feed.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { createLog } from '#platform/log.ts';
import {
  LISTENING_TOPIC,
  listeningAnswers,
  listeningQuestion,
  type Listener,
  type ListeningAnswer,
} from '#schema/listening.ts';

/** Answers media servers as the stream subgraph would, by `allows`. */
export const answerListeners = (liveBus: LiveBus, allows: (listener: Listener) => boolean) =>
  followTopic({
    liveBus,
    topic: LISTENING_TOPIC,
    schema: listeningQuestion,
    log: createLog('listening-test', 'silent'),
    onMessage({ serverId, listeners }) {
      const answer: ListeningAnswer = {
        listeners: listeners.map((one) => ({ ...one, allowed: allows(one) })),
      };
      void liveBus.publish(listeningAnswers(serverId), answer);
    },
  });
