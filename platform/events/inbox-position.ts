import type { Em } from '#platform/database.ts';
import { STORED_COLUMNS, STORED_EVENTS } from './inbox-store.ts';
import type { BusPosition, EventFrame } from './ports.ts';

const READ = `select source, seq::float8 as seq, mark from inbox_position where consumer = ?`;

export async function readPosition(em: Em, consumer: string): Promise<BusPosition | null> {
  const [position] = await em.execute<BusPosition[]>(READ, [consumer]);
  return position ?? null;
}

const BEGIN = `insert into inbox_position as p (consumer, source, seq, mark) values (?, ?, 0, '')
  on conflict (consumer) do update set source = excluded.source, seq = 0, mark = '' where p.source = ?`;

/** Replaces the position `instead`. Changes nothing where another process was faster. */
export async function beginSource(
  em: Em,
  consumer: string,
  source: string,
  instead: BusPosition | null,
): Promise<void> {
  await em.execute(BEGIN, [consumer, source, instead?.source ?? null], 'run');
}

// One statement, so one transaction and one round trip. The update comes first, because the insert reads what it returns: it lets one process in at
// a time. Where another process has taken everything, nothing is inserted; where it has taken a part, the unique key drops that part.
const STORE = `with moved as (
    update inbox_position set seq = ?, mark = ?
    where consumer = ? and source = ? and seq >= ? and seq < ? returning 1),
  stored as (
    insert into inbox (${STORED_COLUMNS}) select ${STORED_EVENTS} from moved cross join jsonb_array_elements(?::jsonb)
      with ordinality as e (envelope, place) order by e.place
    on conflict (consumer, event_id) do nothing)
  select count(*)::int as moved from moved`;

/** What one process has read: everything between the place `after` and `upTo`, of which `events` is all that matters. */
export interface Reading {
  readonly events: readonly EventFrame[];
  readonly after: number;
  readonly upTo: BusPosition;
}

/**
 * Stores the events and moves the position on, all or nothing. Returns false where the stored position is not where this reading went on
 * from: another source was begun, or the database has lost its newest commits. Storing it would leave a gap.
 */
export async function storeReading(em: Em, consumer: string, reading: Reading, now: Date): Promise<boolean> {
  const { events, after, upTo } = reading;
  const where = [upTo.seq, upTo.mark, consumer, upTo.source, after, upTo.seq];
  const [row] = await em.execute<{ moved: number }[]>(STORE, [
    ...where,
    ...[consumer, now, now, JSON.stringify(events)],
  ]);
  if (row?.moved === 1) return true;
  const stored = await readPosition(em, consumer);
  return stored?.source === upTo.source && stored.seq >= upTo.seq;
}
