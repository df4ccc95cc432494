import { setTimeout as sleep } from 'node:timers/promises';
import {
  AckPolicy,
  DeliverPolicy,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type ConsumerMessages,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
} from '@nats-io/jetstream';
import { connect, nanos, type NatsConnection } from '@nats-io/transport-node';
import { CodedError, messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { backoffMs } from './backoff.ts';
import { eventFrame } from './envelope.ts';
import type { Consumption, DurableBus, EventFrame } from './ports.ts';

export interface NatsDurableBusOptions {
  /** `nats://` or `tls://`. */
  readonly url: string;
  readonly log: Log;
  /** Keeps platforms (and test runs) that share a server apart: subjects `<namespace>.events.<name>`, stream `<namespace>_events`. */
  readonly namespace?: string;
}

interface Bus extends Required<NatsDurableBusOptions> {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly stream: string;
}

const CONNECT_TIMEOUT_MS = 5_000;
const PUBLISH_TIMEOUT_MS = 5_000;
const RECONNECT_MS = 250;
// A consumer that is away for longer catches up from the event logs instead.
const MAX_AGE_MS = 30 * 24 * 3_600_000;
const DUPLICATE_WINDOW_MS = 120_000;
const ACK_WAIT_MS = 15_000;
const CONSUMER_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** Durable delivery through NATS JetStream. The connection comes back by itself after a broker restart, for as long as it takes. */
export async function natsDurableBus(options: NatsDurableBusOptions): Promise<DurableBus> {
  const bus = await openBus({ namespace: 'veza', ...options });
  const consumptions = new Set<Consumption>();
  return {
    publish: (event) => publish(bus, event),
    async consume(consumer, names, accept) {
      const consumption = await consume(bus, consumer, new Set<string>(names), accept);
      consumptions.add(consumption);
      return consumption;
    },
    async ping() {
      await bus.manager.getAccountInfo();
    },
    async close() {
      await Promise.all([...consumptions].map((consumption) => consumption.stop()));
      await bus.connection.close();
    },
  };
}

async function openBus(options: Required<NatsDurableBusOptions>): Promise<Bus> {
  const { url, namespace, log } = options;
  const connection = await connectTo(url, namespace);
  try {
    const manager = await jetstreamManager(connection, { timeout: CONNECT_TIMEOUT_MS });
    const bus = {
      ...options,
      connection,
      manager,
      client: jetstream(connection),
      stream: `${namespace}_events`,
    };
    await ensureStream(bus);
    void logStatus(connection, log);
    return bus;
  } catch (error) {
    await connection.close();
    throw unusable(url, error);
  }
}

async function connectTo(url: string, namespace: string): Promise<NatsConnection> {
  const { username, password } = new URL(url);
  try {
    return await connect({
      servers: [url],
      name: namespace,
      timeout: CONNECT_TIMEOUT_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      // A half-open connection is noticed within half a minute.
      pingInterval: 10_000,
      ...(username && { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
    });
  } catch (error) {
    throw unusable(url, error);
  }
}

function unusable(url: string, error: unknown): CodedError {
  const message = `NATS JetStream at ${new URL(url).host} cannot be used: ${messageOf(error)}`;
  return new CodedError('SERVICE_UNAVAILABLE', message, {}, error);
}

async function logStatus(connection: NatsConnection, log: Log): Promise<void> {
  for await (const status of connection.status())
    if (status.type === 'disconnect' || status.type === 'reconnect')
      log.warn({ status: status.type }, 'nats connection');
}

async function ensureStream({ manager, stream, namespace }: Bus): Promise<void> {
  // Adding a stream that exists with the same settings changes nothing, so processes may start at once.
  await manager.streams.add({
    name: stream,
    subjects: [`${namespace}.events.>`],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    max_age: nanos(MAX_AGE_MS),
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
  });
}

async function publish({ client, namespace }: Bus, event: EventFrame): Promise<void> {
  await client.publish(`${namespace}.events.${event.name}`, JSON.stringify(event), {
    msgID: event.id,
    timeout: PUBLISH_TIMEOUT_MS,
  });
}

type Accept = (event: EventFrame) => Promise<void>;

async function consume(
  bus: Bus,
  name: string,
  names: ReadonlySet<string>,
  accept: Accept,
): Promise<Consumption> {
  if (!CONSUMER_NAME.test(name)) throw new Error(`"${name}" is no name for a durable consumer.`);
  const stopping = new AbortController();
  let messages = await pull(bus, name);
  const done = work();
  return {
    async stop() {
      stopping.abort();
      await messages.close();
      await done;
    },
  };

  async function work(): Promise<void> {
    for (let failures = 1; !stopping.signal.aborted; failures++) {
      try {
        for await (const message of messages) {
          await take(bus, message, names, accept);
          failures = 1;
        }
      } catch (error) {
        bus.log.warn({ consumer: name, reason: messageOf(error) }, 'durable consumer interrupted');
      }
      // The pull ended although nobody stopped it: the broker lost the consumer. It is made anew; the inbox drops what comes twice.
      while (!stopping.signal.aborted && !(await reopen())) await wait(backoffMs(failures++));
    }
  }

  async function reopen(): Promise<boolean> {
    try {
      messages = await pull(bus, name);
      if (stopping.signal.aborted) await messages.close();
      return true;
    } catch (error) {
      bus.log.warn({ consumer: name, reason: messageOf(error) }, 'durable consumer not available');
      return false;
    }
  }

  function wait(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
  }
}

async function pull(bus: Bus, name: string): Promise<ConsumerMessages> {
  await ensureStream(bus);
  await bus.manager.consumers.add(bus.stream, {
    durable_name: name,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(ACK_WAIT_MS),
    max_deliver: -1,
    // One event at a time, for all processes of this consumer together: two under way at once could overtake each other within a stream.
    max_ack_pending: 1,
  });
  const consumer = await bus.client.consumers.get(bus.stream, name);
  return consumer.consume({ max_messages: 10, abort_on_missing_resource: true });
}

async function take(bus: Bus, message: JsMsg, names: ReadonlySet<string>, accept: Accept): Promise<void> {
  const event = parse(message);
  if (event === null) {
    bus.log.error(
      { subject: message.subject, seq: message.seq },
      'message on the durable bus is no event, dropped',
    );
    return message.term();
  }
  // Filtered here: a broker before 2.10 can filter by one subject only, and a consumer for each name would lose the order between names.
  if (!names.has(event.name)) return message.ack();
  try {
    await accept(event);
    message.ack();
  } catch (error) {
    bus.log.warn({ eventId: event.id, reason: messageOf(error) }, 'event not accepted, will come again');
    message.nak(backoffMs(message.info.deliveryCount));
  }
}

function parse(message: JsMsg): EventFrame | null {
  try {
    return eventFrame.parse(message.json());
  } catch {
    return null;
  }
}
