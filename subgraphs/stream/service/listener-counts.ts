import { z } from 'zod';
import type { Database } from '#platform/database.ts';
import { messageOf } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { followTopic, type TopicFeed } from '#platform/events/topic-feed.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import type { Log } from '#platform/log.ts';
import { LISTENER_COUNT_MS } from '#schema/signalling.ts';
import { listRoomsToCount, markToCount, takeToCount } from '../data/live-room.repository.ts';
import { countListeners } from '../data/participant.repository.ts';

/** Live topic on which processes of this subgraph hint each other at a room whose listeners are to be counted. */
const TOPIC = 'live-rooms:to-count';
const hint = z.object({ liveRoomId: z.string() });

/** The number of listeners has changed by some who are not told of one by one: it is told within a second or two, once for all that come and go until then. */
export async function noteListeners({ em, tell }: Transaction, liveRoomId: string): Promise<void> {
  if (await markToCount(em, liveRoomId, LISTENER_COUNT_MS))
    tell(TOPIC, { liveRoomId } satisfies z.infer<typeof hint>);
}

/** Tells how many listen in rooms with more listeners than are told of one by one. */
export interface ListenerCounts {
  start(): void;
  /** Looks for rooms of which nobody has told: a hint was lost, or who heard it was killed. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

export function createListenerCounts(deps: {
  readonly database: Database;
  readonly events: Events;
  readonly liveBus: LiveBus;
  readonly log: Log;
}): ListenerCounts {
  const { database, events, liveBus, log } = deps;
  const timers = new Set<NodeJS.Timeout>();
  const working = new Set<Promise<void>>();
  let feed: TopicFeed | null = null;

  // Several processes may try: one of them takes it.
  const count = (liveRoomId: string) =>
    events.transact(async (tx) => {
      if (!(await takeToCount(tx.em, liveRoomId))) return;
      const [counted] = await countListeners(tx.em, [liveRoomId]);
      const { count: listeners = 0, unlisted = 0 } = counted ?? {};
      const payload = { liveRoomId, listeners, unlisted };
      await tx.append({ stream: `live-room:${liveRoomId}`, name: 'liveRoom.listenersChanged', payload });
    });
  const countSoon = (liveRoomId: string) => {
    const work = database
      .background(() => count(liveRoomId))
      .catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'listeners were not counted'))
      .finally(() => working.delete(work));
    working.add(work);
  };

  return {
    start() {
      const onMessage = ({ liveRoomId }: z.infer<typeof hint>) => {
        const timer = setTimeout(() => {
          timers.delete(timer);
          countSoon(liveRoomId);
        }, LISTENER_COUNT_MS);
        timers.add(timer);
      };
      feed = followTopic({ liveBus, topic: TOPIC, schema: hint, onMessage, log });
    },
    async sweep() {
      for (const liveRoomId of await listRoomsToCount(database.fork())) await count(liveRoomId);
    },
    async stop() {
      await feed?.close();
      for (const timer of timers) clearTimeout(timer);
      await Promise.all(working);
    },
  };
}
