import type { Log } from '#platform/log.ts';
import { memoryDurableBus } from './durable-bus-memory.ts';
import { natsDurableBus } from './durable-bus-nats.ts';
import { memoryLiveBus } from './live-bus-memory.ts';
import { redisLiveBus } from './live-bus-redis.ts';
import type { DurableBus, LiveBus } from './ports.ts';

/** NATS JetStream where `natsUrl` is set, else in process. Throws SERVICE_UNAVAILABLE naming the server where it does not answer. */
export async function connectDurableBus(options: { natsUrl?: string; log: Log }): Promise<DurableBus> {
  const { natsUrl, log } = options;
  return natsUrl === undefined ? memoryDurableBus() : natsDurableBus({ url: natsUrl, log });
}

/** Redis where `redisUrl` is set, else in memory. Throws SERVICE_UNAVAILABLE naming the server where it does not answer. */
export async function connectLiveBus(options: { redisUrl?: string; log: Log }): Promise<LiveBus> {
  const { redisUrl, log } = options;
  return redisUrl === undefined ? memoryLiveBus() : redisLiveBus({ url: redisUrl, log });
}

/** Channels of Redis by their own names, for what others than the platform publish there. Throws as connectLiveBus. */
export function connectChannels({ redisUrl, log }: { redisUrl: string; log: Log }): Promise<LiveBus> {
  return redisLiveBus({ url: redisUrl, log, prefix: '' });
}
