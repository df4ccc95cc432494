import { randomUUID } from 'node:crypto';
import {
  AckPolicy,
  DeliverPolicy,
  jetstream,
  JetStreamApiError,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type ConsumerMessages,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/transport-node';
import type { BusPosition, DurableConsumer } from './ports.ts';

/** The JetStream stream that carries all events of a namespace. */
export interface NatsStream {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly name: string;
  /** A subject is this, followed by the event's name. */
  readonly prefix: string;
}

export interface StreamMessage {
  readonly seq: number;
  /** When the stream stored it: no other message at this place has the same. */
  readonly mark: string;
  /** Of the event, by the subject. */
  readonly name: string;
  readonly data: Uint8Array;
}

export interface Reading {
  readonly source: string;
  /** In order, without a gap. Ends with `close`; throws where the broker has lost the reading or the stream. */
  readonly messages: AsyncIterable<StreamMessage>;
  close(): void;
}

// A consumer that is away for longer catches up from the event logs instead.
const MAX_AGE_MS = 30 * 24 * 3_600_000;
const DUPLICATE_WINDOW_MS = 120_000;
const TIMEOUT_MS = 5_000;
const PULL_MESSAGES = 1_000;
// The broker forgets a reader that has gone without a word.
const INACTIVE_MS = 60_000;
const CONSUMER_NOT_FOUND = 10_014;

export async function openStream(connection: NatsConnection, namespace: string): Promise<NatsStream> {
  const stream = {
    connection,
    client: jetstream(connection, { timeout: TIMEOUT_MS }),
    manager: await jetstreamManager(connection, { timeout: TIMEOUT_MS }),
    name: `${namespace}_events`,
    prefix: `${namespace}.events.`,
  };
  await ensureStream(stream);
  return stream;
}

// Adding a stream that exists with the same settings changes nothing, so processes may start at once.
function ensureStream({ manager, name, prefix }: NatsStream): Promise<StreamInfo> {
  return manager.streams.add({
    name,
    subjects: [`${prefix}>`],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    max_age: nanos(MAX_AGE_MS),
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
  });
}

/** Begins behind the consumer's stored position. */
export async function openReading(stream: NatsStream, consumer: DurableConsumer): Promise<Reading> {
  const { created, state } = await ensureStream(stream);
  const from = await startingPoint(stream, { created, state }, consumer);
  const reader = await stream.manager.consumers.add(stream.name, {
    name: `${consumer.name}-${randomUUID()}`,
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: from.seq + 1,
    inactive_threshold: nanos(INACTIVE_MS),
    num_replicas: 1,
    mem_storage: true,
    ...filterOf(stream, consumer),
  });
  // A reader ends with its stream. This one belongs to the stream of `from` where that is still the same one.
  const now = await stream.manager.streams.info(stream.name);
  if (now.created !== created) throw new Error('the stream was made anew meanwhile');
  const messages = await stream.client.consumers
    .getConsumerFromInfo(reader)
    .consume({ max_messages: PULL_MESSAGES, abort_on_missing_resource: true });
  return {
    source: from.source,
    messages: inOrder(messages, stream.prefix),
    // Not awaited: it is over only once somebody reads on.
    close: () => void messages.close(),
  };
}

type Life = Pick<StreamInfo, 'created' | 'state'>;

async function startingPoint(
  stream: NatsStream,
  life: Life,
  consumer: DurableConsumer,
): Promise<BusPosition> {
  for (;;) {
    const stored = await consumer.position();
    if (stored !== null && (await goesOn(stream, life, stored))) return stored;
    // No two processes choose the same name: one of them wins, and both go on from what it has begun.
    await consumer.begin(`${stream.name} ${life.created} ${randomUUID()}`, stored);
  }
}

// A stream that was deleted, or a broker that has lost its newest messages in a crash, gives places to new messages that the consumer has
// passed already. Then everything is read again, and the inbox drops what it has.
async function goesOn(stream: NatsStream, { created, state }: Life, stored: BusPosition): Promise<boolean> {
  if (!stored.source.startsWith(`${stream.name} ${created} `)) return false;
  if (stored.seq < Math.max(state.first_seq, 1)) return true;
  const message = await stream.manager.streams.getMessage(stream.name, { seq: stored.seq });
  return message?.time.toISOString() === stored.mark;
}

// A broker before 2.10 filters by one subject at most. It sends everything then, and the subject tells what to drop unread.
function filterOf({ connection, prefix }: NatsStream, { names }: DurableConsumer) {
  const subjects = names.map((name) => `${prefix}${name}`);
  if (subjects.length === 1) return { filter_subject: subjects[0] };
  return filtersBySeveral(connection.info?.version) ? { filter_subjects: subjects } : {};
}

function filtersBySeveral(version = ''): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 2 || (major === 2 && minor >= 10);
}

async function* inOrder(messages: ConsumerMessages, prefix: string): AsyncGenerator<StreamMessage> {
  let delivered = 0;
  for await (const message of messages) {
    delivered += 1;
    // Nothing is acknowledged, so what gets lost on its way does not come again by itself.
    if (message.info.deliverySequence !== delivered) throw new Error('a message was lost on its way');
    yield {
      seq: message.seq,
      mark: markOf(message),
      name: message.subject.slice(prefix.length),
      data: message.data,
    };
  }
}

// Cut to milliseconds, as a date reads the same instant from a stored message.
const markOf = ({ timestampNanos }: JsMsg): string =>
  new Date(Number(timestampNanos / 1_000_000n)).toISOString();

/** Removes what an earlier version kept at the broker for a consumer: acknowledgements in place of a stored position. */
export async function forgetDurable({ manager, name }: NatsStream, consumer: string): Promise<void> {
  try {
    await manager.consumers.delete(name, consumer);
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== CONSUMER_NOT_FOUND) throw error;
  }
}
