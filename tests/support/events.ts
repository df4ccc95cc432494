import { createLog } from '#platform/log.ts';
import { openDatabase, type Database } from '#platform/database.ts';
import { createEvents, type Events, type EventsDeps } from '#platform/events/events.ts';
import { memoryDurableBus } from '#platform/events/durable-bus-memory.ts';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import type { AnyEvent, DurableBus, LiveBus } from '#platform/events/ports.ts';
import type { NewEvent } from '#platform/events/event-log.ts';
import { createTestDatabase } from './databases.ts';

export const silentLog = createLog('test', 'silent');

export interface EventsUnderTest extends AsyncDisposable {
  readonly url: string;
  readonly database: Database;
  readonly events: Events;
  readonly durableBus: DurableBus;
  readonly liveBus: LiveBus;
}

/** A migrated database of its own with everything around it; disposing it stops and drops all of it. */
export async function startEvents(overrides: Partial<EventsDeps> = {}): Promise<EventsUnderTest> {
  const testDatabase = await createTestDatabase();
  const database = await openTestDatabase(testDatabase.url);
  await database.migrate();
  const { durableBus = memoryDurableBus(), liveBus = memoryLiveBus() } = overrides;
  const events = createEvents({ database, log: silentLog, ...overrides, durableBus, liveBus });
  return {
    url: testDatabase.url,
    database,
    events,
    durableBus,
    liveBus,
    async [Symbol.asyncDispose]() {
      await events.stop();
      await liveBus.close();
      await durableBus.close();
      await database.close();
      await testDatabase.drop();
    },
  };
}

export function openTestDatabase(url: string): Promise<Database> {
  return openDatabase({ url, name: 'test', entities: [], migrations: [], log: silentLog });
}

/** A small valid event; `revision` tells one from another. */
export function messageEdited(stream: string, revision: number): NewEvent<'message.edited'> {
  return { stream, name: 'message.edited', payload: { roomId: stream, messageId: 'msg_1', revision } };
}

/** Appends `count` events to a stream, one transaction each. */
export async function appendMany(events: Events, stream: string, count: number): Promise<void> {
  for (let revision = 1; revision <= count; revision++)
    await events.transact((tx) => tx.append(messageEdited(stream, revision)));
}

/** Collects values, and lets a test wait until there are enough of them. */
export function createProbe<T>() {
  const values: T[] = [];
  const waiting: { count: number; resolve: (values: T[]) => void }[] = [];
  return {
    values,
    add(value: T): void {
      values.push(value);
      for (const one of waiting.filter(({ count }) => values.length >= count)) one.resolve(values);
    },
    atLeast(count: number): Promise<T[]> {
      if (values.length >= count) return Promise.resolve(values);
      return new Promise((resolve) => waiting.push({ count, resolve }));
    },
  };
}

export const seqOf = (event: AnyEvent): number => event.seq;
