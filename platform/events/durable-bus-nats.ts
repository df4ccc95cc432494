import { connect, type NatsConnection } from '@nats-io/transport-node';
import { CodedError, messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { NatsReader } from './nats-reader.ts';
import { forgetDurable, openStream, type NatsStream } from './nats-stream.ts';
import type { DurableBus } from './ports.ts';

export interface NatsDurableBusOptions {
  /** `nats://` or `tls://`. */
  readonly url: string;
  readonly log: Log;
  /** Keeps platforms (and test runs) that share a server apart: subjects `<namespace>.events.<name>`, stream `<namespace>_events`. */
  readonly namespace?: string;
}

const CONNECT_TIMEOUT_MS = 5_000;
const PUBLISH_TIMEOUT_MS = 5_000;
const RECONNECT_MS = 250;
const CONSUMER_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** Durable delivery through NATS JetStream. The connection comes back by itself after a broker restart, for as long as it takes. */
export async function natsDurableBus(options: NatsDurableBusOptions): Promise<DurableBus> {
  const { log } = options;
  const { stream, connection } = await open({ namespace: 'veza', ...options });
  const readers = new Set<NatsReader>();
  void followStatus(connection, log, () => readers.forEach((reader) => reader.restart()));
  return {
    async publish(event) {
      await stream.client.publish(`${stream.prefix}${event.name}`, JSON.stringify(event), {
        msgID: event.id,
        timeout: PUBLISH_TIMEOUT_MS,
      });
    },
    async consume(consumer) {
      const { name } = consumer;
      if (!CONSUMER_NAME.test(name)) throw new Error(`"${name}" is no name for a durable consumer.`);
      await forgetDurable(stream, name);
      const reader = new NatsReader(stream, consumer, log);
      await reader.start();
      readers.add(reader);
      return {
        async stop() {
          readers.delete(reader);
          await reader.stop();
        },
      };
    },
    async ping() {
      await stream.manager.getAccountInfo();
    },
    async close() {
      await Promise.all([...readers].map((reader) => reader.stop()));
      await connection.close();
    },
  };
}

async function open(
  options: Required<NatsDurableBusOptions>,
): Promise<{ stream: NatsStream; connection: NatsConnection }> {
  const { url, namespace } = options;
  const connection = await connectTo(url, namespace);
  try {
    return { stream: await openStream(connection, namespace), connection };
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

async function followStatus(connection: NatsConnection, log: Log, onReconnect: () => void): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === 'disconnect' || type === 'reconnect') log.warn({ status: type }, 'nats connection');
    if (type === 'reconnect') onReconnect();
  }
}
