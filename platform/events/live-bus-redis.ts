import { RedisPubSub } from 'graphql-redis-subscriptions';
import { CodedError } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { createLiveQueue, type LiveQueue } from './live-queue.ts';
import type { LiveBus } from './ports.ts';
import { connectRedis } from './redis-connection.ts';

export interface RedisLiveBusOptions {
  /** `redis://` or `rediss://`. */
  readonly url: string;
  readonly log: Log;
  /** Keeps platforms (and test runs) that share a server apart. */
  readonly namespace?: string;
  /** Of the channels of all topics; default: `<namespace>:live:`. */
  readonly prefix?: string;
}

interface Topic {
  readonly queues: Set<LiveQueue>;
  /** Resolves once Redis has confirmed; ids of the pub/sub registrations. */
  readonly live: Promise<number[]>;
}

const COMMAND_TIMEOUT_MS = 3_000;

/** Live messages between processes. While Redis is away `publish` and `subscribe` reject at once; existing subscriptions come back by themselves. */
export async function redisLiveBus(options: RedisLiveBusOptions): Promise<LiveBus> {
  const { url, log, namespace = 'veza', prefix = `${namespace}:live:` } = options;
  // A connection that subscribes can do nothing else, hence two.
  const publisher = await connectRedis(url, log, {
    enableOfflineQueue: false,
    commandTimeout: COMMAND_TIMEOUT_MS,
  });
  const subscriber = await connectRedis(url, log, { maxRetriesPerRequest: null }).catch((error: unknown) => {
    publisher.disconnect();
    throw error;
  });
  const pubsub = new RedisPubSub({ publisher, subscriber });
  const topics = new Map<string, Topic>();
  let closed = false;
  const requireConnected = () => {
    if (closed || subscriber.status !== 'ready')
      throw new CodedError('SERVICE_UNAVAILABLE', 'Redis is not connected.');
  };
  const channelOf = (topic: string) => prefix + topic;

  return {
    publish: (topic, payload) => pubsub.publish(channelOf(topic), payload),
    async subscribe(topic) {
      requireConnected();
      const channel = channelOf(topic);
      const shared = topics.get(channel) ?? open(pubsub, channel);
      topics.set(channel, shared);
      const queue = createLiveQueue(() => leave(pubsub, topics, channel, shared, queue));
      shared.queues.add(queue);
      return confirmed(shared, queue);
    },
    async ping() {
      requireConnected();
      await publisher.ping();
    },
    async close() {
      closed = true;
      for (const { queues } of topics.values()) for (const queue of queues) queue.end();
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
}

function open(pubsub: RedisPubSub, channel: string): Topic {
  const queues = new Set<LiveQueue>();
  const deliver = (message: unknown) => queues.forEach((queue) => queue.push(message));
  // Two registrations on purpose: when Redis refuses, RedisPubSub rejects a promise that only a second caller watches; without one,
  // that rejection would end the process.
  const registrations = [pubsub.subscribe(channel, deliver), pubsub.subscribe(channel, () => undefined)];
  return { queues, live: Promise.all(registrations) };
}

async function confirmed(topic: Topic, queue: LiveQueue): Promise<LiveQueue> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    const late = () =>
      reject(new CodedError('SERVICE_UNAVAILABLE', 'Redis did not confirm a subscription in time.'));
    timer = setTimeout(late, COMMAND_TIMEOUT_MS);
  });
  try {
    await Promise.race([topic.live, timeout]);
    return queue;
  } catch (error) {
    queue.end();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

// Only the last local listener of a channel ends the subscription at Redis.
function leave(
  pubsub: RedisPubSub,
  topics: Map<string, Topic>,
  channel: string,
  topic: Topic,
  queue: LiveQueue,
) {
  topic.queues.delete(queue);
  if (topic.queues.size > 0) return;
  if (topics.get(channel) === topic) topics.delete(channel);
  const unsubscribe = (ids: number[]) => ids.forEach((id) => pubsub.unsubscribe(id));
  topic.live.then(unsubscribe).catch(() => undefined);
}
