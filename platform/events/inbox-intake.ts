import { DriverException } from '@mikro-orm/core';
import type { EventName } from '#schema/events.ts';
import type { Database } from '#platform/database.ts';
import { messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { openFrame } from './envelope.ts';
import { beginSource, readPosition, storeReading } from './inbox-position.ts';
import { storeEvents } from './inbox-store.ts';
import type { AnyEvent, BusPosition, DurableConsumer, EventFrame } from './ports.ts';

export interface IntakeDeps {
  readonly database: Database;
  readonly log: Log;
  readonly name: string;
  readonly names: readonly EventName[];
  /** Undefined wants everything. */
  readonly wants: ((event: AnyEvent) => boolean) | undefined;
  readonly now: () => Date;
  readonly onStored: () => void;
}

// Of what nobody wants the position tells later, and after a crash so much is read again: it costs no more than looking at the name.
const NOTE_EVERY_MESSAGES = 10_000;
// Data exceptions and what exceeds the limits of an index.
const UNSTORABLE = /^(22|54)/;

/** Fills the inbox of one consumer in one process from the durable bus. */
export function createIntake(deps: IntakeDeps): DurableConsumer {
  const { database, name, names, now, onStored } = deps;
  // Where the stored position was when this process last saw it.
  let noted = 0;

  const note = async (events: readonly EventFrame[], upTo: BusPosition) => {
    const reading = { events, after: noted, upTo };
    if (!(await storeReading(database.fork(), name, reading, now())))
      throw new Error(`the inbox of ${name} is read from another position now`);
    noted = upTo.seq;
  };

  const store = (events: readonly EventFrame[], upTo: BusPosition | null) =>
    upTo === null ? storeEvents(database.fork(), name, events, now()) : note(events, upTo);

  const accept: DurableConsumer['accept'] = async ({ events, upTo }) => {
    const wanted = events.filter((event) => isWanted(deps, event));
    if (wanted.length === 0 && (upTo === null || upTo.seq - noted < NOTE_EVERY_MESSAGES)) return;
    try {
      await store(wanted, upTo);
    } catch (error) {
      if (!isUnstorable(error)) throw error;
      await storeEach(deps, wanted);
      await store([], upTo);
    }
    if (wanted.length > 0) onStored();
  };

  return {
    name,
    names,
    position: () =>
      database.background(async () => {
        const position = await readPosition(database.fork(), name);
        noted = position?.seq ?? 0;
        return position;
      }),
    begin: (source, instead) =>
      database.background(() => beginSource(database.fork(), name, source, instead)),
    accept: (batch) => database.background(() => accept(batch)),
  };
}

function isWanted({ wants }: IntakeDeps, event: EventFrame): boolean {
  if (wants === undefined) return true;
  const opened = openFrame(event);
  // What cannot be read is kept: it becomes a dead letter.
  return 'problem' in opened || wants(opened.event);
}

const isUnstorable = (error: unknown): error is DriverException =>
  error instanceof DriverException && UNSTORABLE.test(String(error.code));

// One event that PostgreSQL cannot hold, for instance with a NUL in its text, must not keep all others out for ever.
async function storeEach(
  { database, log, name, now }: IntakeDeps,
  events: readonly EventFrame[],
): Promise<void> {
  for (const event of events)
    try {
      await storeEvents(database.fork(), name, [event], now());
    } catch (error) {
      if (!isUnstorable(error)) throw error;
      log.error({ consumer: name, eventId: event.id, reason: messageOf(error) }, 'event cannot be stored');
    }
}
