import type { Database, Em } from '#platform/database.ts';
import { messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { FRAME_COLUMNS } from './event-log.ts';
import type { DurableBus, EventFrame } from './ports.ts';
import { WorkLoop } from './work-loop.ts';

export interface OutboxLag {
  /** Events that wait to be published. */
  readonly pending: number;
  /** Age of the oldest of them; 0 where none waits. */
  readonly oldestAgeMs: number;
}

/** Hooks for metrics; called once per event. */
export interface RelayObserver {
  published?(event: EventFrame): void;
  failed?(event: EventFrame): void;
}

export interface OutboxRelay extends Pick<WorkLoop, 'start' | 'wake' | 'stop'> {
  lag(): Promise<OutboxLag>;
}

export interface OutboxRelayDeps {
  readonly database: Database;
  readonly durableBus: DurableBus;
  readonly log: Log;
  readonly observer?: RelayObserver;
  /** Longest wait without a commit in this process. */
  readonly pollMs?: number;
}

interface OutboxRow extends Omit<EventFrame, 'traceparent'> {
  readonly position: string;
  readonly traceparent: string | null;
}

const BATCH_EVENTS = 100;
// Under load a batch of ten costs what one of one costs; nobody notices the delay.
const GATHER_MS = 10;
const RELAY_LOCK = 7_346_102;

const NEXT = `select o.position::text as position, o.traceparent, ${FRAME_COLUMNS} from outbox o
  join event_log l on l.stream = o.stream and l.seq = o.seq order by o.position limit ${BATCH_EVENTS}`;
const LAG = `select count(*)::float8 as pending,
  coalesce(extract(epoch from clock_timestamp() - min(l.at)) * 1000, 0)::float8 as "oldestAgeMs"
  from outbox o join event_log l on l.stream = o.stream and l.seq = o.seq`;

/**
 * Publishes what the outbox holds, at least once, each stream in order. One process at a time does it for a database, because two would
 * overtake each other within a stream; a killed one loses its lock with its connection, and another goes on.
 */
export function createOutboxRelay(deps: OutboxRelayDeps): OutboxRelay {
  const { database, log, pollMs = 1_000 } = deps;
  const step = () => database.background(() => relayBatch(deps));
  const loop = new WorkLoop({ name: `${database.name} outbox`, step, pollMs, gatherMs: GATHER_MS, log });
  return {
    start: () => loop.start(),
    wake: () => loop.wake(),
    stop: () => loop.stop(),
    async lag() {
      const [row] = await database.fork().execute<OutboxLag[]>(LAG);
      return row ?? { pending: 0, oldestAgeMs: 0 };
    },
  };
}

async function relayBatch(deps: OutboxRelayDeps): Promise<'more' | 'idle'> {
  let failure: unknown = null;
  const count = await deps.database.fork().transactional(async (em) => {
    const [lock] = await em.execute<{ mine: boolean }[]>('select pg_try_advisory_xact_lock(?) as mine', [
      RELAY_LOCK,
    ]);
    if (!lock?.mine) return 0;
    const rows = await em.execute<OutboxRow[]>(NEXT);
    const outcomes = await Promise.all(groupByStream(rows).map((group) => publishInOrder(deps, group)));
    failure = outcomes.find((outcome) => outcome.failure !== null)?.failure ?? null;
    await forget(
      em,
      outcomes.flatMap((outcome) => outcome.published),
    );
    return rows.length;
  });
  // Thrown after the commit: what was published stays published, and the loop backs off.
  if (failure !== null) throw failure;
  return count === BATCH_EVENTS ? 'more' : 'idle';
}

function groupByStream(rows: readonly OutboxRow[]): OutboxRow[][] {
  return [...Map.groupBy(rows, (row) => row.stream).values()];
}

// A failed event stops its stream, so that none of its successors is published before it.
async function publishInOrder({ durableBus, observer }: OutboxRelayDeps, rows: readonly OutboxRow[]) {
  const published: string[] = [];
  for (const { position, traceparent, ...logged } of rows) {
    const event: EventFrame = traceparent === null ? logged : { ...logged, traceparent };
    try {
      await durableBus.publish(event);
    } catch (error) {
      observer?.failed?.(event);
      return {
        published,
        failure: new Error(`${event.name} ${event.id}: ${messageOf(error)}`, { cause: error }),
      };
    }
    observer?.published?.(event);
    published.push(position);
  }
  return { published, failure: null };
}

async function forget(em: Em, positions: readonly string[]): Promise<void> {
  if (positions.length > 0) await em.execute('delete from outbox where position in (?)', [positions], 'run');
}
