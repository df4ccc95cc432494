import type { Redis } from 'ioredis';
import { connectRedis } from './events/redis-connection.ts';
import { messageOf } from './errors.ts';
import type { Log } from './log.ts';

/** Remembers what may be used once, such as a grant, for as long as it could be used again. */
export interface SingleUse {
  /** Whether this is the first use of `id`; the use itself. Of any number that come at once exactly one is the first. Never rejects. */
  take(id: string, ttlMs: number): Promise<boolean>;
  close(): Promise<void>;
}

/** Of this process alone. */
export function memorySingleUse(now: () => number = Date.now): SingleUse {
  // In order of use. Where lives differ, one that is over may be kept until those used before it are over too.
  const usedUntilMs = new Map<string, number>();
  const forget = (nowMs: number) => {
    for (const [id, untilMs] of usedUntilMs) {
      if (untilMs > nowMs) return;
      usedUntilMs.delete(id);
    }
  };
  return {
    async take(id, ttlMs) {
      const nowMs = now();
      forget(nowMs);
      const isFirst = (usedUntilMs.get(id) ?? 0) <= nowMs;
      if (isFirst) usedUntilMs.set(id, nowMs + ttlMs);
      return isFirst;
    },
    close: async () => usedUntilMs.clear(),
  };
}

export interface RedisSingleUseOptions {
  readonly url: string;
  readonly log: Log;
  /** Keeps platforms (and test runs) that share a server apart. */
  readonly namespace?: string;
}

const COMMAND_TIMEOUT_MS = 1_000;

/**
 * Of all processes that share a Redis. While that is away a process still knows its own uses: nobody is kept out for an outage, at the price of a
 * second use elsewhere. Throws SERVICE_UNAVAILABLE where Redis does not answer at the start.
 */
export async function redisSingleUse(options: RedisSingleUseOptions): Promise<SingleUse> {
  const { url, log, namespace = 'veza' } = options;
  const redis: Redis = await connectRedis(url, log, {
    enableOfflineQueue: false,
    commandTimeout: COMMAND_TIMEOUT_MS,
    // A command that is sent again after a lost answer would take its own first use for another's.
    maxRetriesPerRequest: 0,
  });
  const own = memorySingleUse();
  return {
    async take(id, ttlMs) {
      if (!(await own.take(id, ttlMs))) return false;
      try {
        return (await redis.set(`${namespace}:used:${id}`, '1', 'PX', Math.ceil(ttlMs), 'NX')) === 'OK';
      } catch (error) {
        log.warn({ reason: messageOf(error) }, 'single use is known to this process only');
        return true;
      }
    },
    async close() {
      redis.disconnect();
      await own.close();
    },
  };
}

/** On Redis where `redisUrl` is set, else in memory. Throws as redisSingleUse. */
export async function connectSingleUse(options: { redisUrl?: string; log: Log }): Promise<SingleUse> {
  const { redisUrl, log } = options;
  return redisUrl === undefined ? memorySingleUse() : redisSingleUse({ url: redisUrl, log });
}
