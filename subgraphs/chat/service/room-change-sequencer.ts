import type { Database } from '#platform/database.ts';
import type { Events } from '#platform/events/events.ts';
import { WorkLoop } from '#platform/events/work-loop.ts';
import type { Log } from '#platform/log.ts';
import {
  hasPendingChanges,
  lockLastPosition,
  placeChanges,
  takePendingChanges,
} from '../data/room-change.repository.ts';
import {
  memberChangesTopic,
  newestOfEach,
  roomChangesTopic,
  type NotedChange,
} from '../domain/inbox-event.ts';

/** Its owner calls `start` and `stop`. */
export interface RoomChangeSequencer {
  /** Something may have been written to a room's log. */
  wake(): void;
  start(): void;
  stop(): Promise<void>;
}

export interface RoomChangeSequencerDeps {
  readonly database: Database;
  readonly events: Pick<Events, 'transact'>;
  readonly log: Log;
}

const BATCH_CHANGES = 500;
// What an instance left that was killed behind its commit; the others are not woken for it.
const POLL_MS = 1_000;
// Under load one batch takes what is noted meanwhile; no sidebar is read faster.
const GATHER_MS = 20;

/**
 * Brings the changes of all rooms into one order, off the path of those who make them: whoever sends a message leaves one row, in its transaction,
 * and a batch of those becomes one position for each room. Nothing is written for each member, so a message costs the same in a room of two and of two
 * thousand. Positions are given under a lock until the commit, by one instance at a time: none becomes visible behind a higher one, and a reader who
 * has come to one has missed none below. A crash undoes the batch, and its rows are taken again.
 */
export function createRoomChangeSequencer({
  database,
  events,
  log,
}: RoomChangeSequencerDeps): RoomChangeSequencer {
  const step = () => database.background(() => placeNext(database, events));
  const loop = new WorkLoop({ name: 'room-changes', step, pollMs: POLL_MS, gatherMs: GATHER_MS, log });
  return { wake: () => loop.wake(), start: () => loop.start(), stop: () => loop.stop() };
}

async function placeNext(database: Database, events: Pick<Events, 'transact'>): Promise<'more' | 'idle'> {
  // Without the lock: most looks find nothing.
  if (!(await hasPendingChanges(database.fork()))) return 'idle';
  return events.transact(async ({ em, tell }) => {
    const lastPosition = await lockLastPosition(em);
    const taken = await takePendingChanges(em, BATCH_CHANGES);
    const changes = newestOfEach(taken);
    if (changes.length > 0) await placeChanges(em, changes, lastPosition);
    for (const topic of new Set(changes.map(topicOf))) tell(topic, {});
    return taken.length === BATCH_CHANGES ? 'more' : 'idle';
  });
}

const topicOf = ({ roomId, userId }: NotedChange): string =>
  userId === null ? roomChangesTopic(roomId) : memberChangesTopic(userId);

/** The same events, and `onCommit` behind each transaction of services. */
export const notingCommits = (events: Events, onCommit: () => void): Events => ({
  ...events,
  async transact(run) {
    const result = await events.transact(run);
    onCommit();
    return result;
  },
});
