import { Redis, type Command, type RedisOptions } from 'ioredis';
import { CodedError, messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const MAX_RECONNECT_DELAY_MS = 2_000;

/**
 * ioredis rejects a command's promise when its connection is closed for good. RedisPubSub leaves the promises of its unsubscribe commands
 * unwatched, and an unwatched rejection ends the process; here every promise is watched. Those who wait for one still get the error.
 */
class WatchedRedis extends Redis {
  override sendCommand(command: Command, stream?: Parameters<Redis['sendCommand']>[1]): unknown {
    command.promise.catch(() => undefined);
    return super.sendCommand(command, stream);
  }
}

/** A connection to Redis that comes back by itself. Throws SERVICE_UNAVAILABLE naming the server where it does not answer at first. */
export async function connectRedis(url: string, log: Log, options: RedisOptions): Promise<Redis> {
  const redis = new WatchedRedis(url, {
    ...options,
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(100 * attempt, MAX_RECONNECT_DELAY_MS),
  });
  let lastProblem = 'no answer';
  redis.on('error', (error) => {
    lastProblem = messageOf(error);
    log.warn({ reason: lastProblem }, 'redis connection error');
  });
  redis.on('ready', () => log.debug('redis connected'));
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    const { host } = new URL(url);
    throw new CodedError(
      'SERVICE_UNAVAILABLE',
      `Redis at ${host} cannot be reached: ${lastProblem}`,
      {},
      error,
    );
  }
  return redis;
}
