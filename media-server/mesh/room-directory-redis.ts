import { Redis } from 'ioredis';
import { CodedError, messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { memoryRoomDirectory, type RoomDirectory } from './room-directory.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const COMMAND_TIMEOUT_MS = 3_000;
const MAX_RECONNECT_DELAY_MS = 2_000;

/**
 * A room is two sorted sets of server ids, by the moment of their coming and by that of their expiry, in the clock of Redis. In one script, so that
 * two servers that open a room at the same moment both see who was first.
 */
const RENEW = `
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local since, expiry = KEYS[1], KEYS[2]
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', expiry, '-inf', ms)) do
  redis.call('ZREM', since, gone)
  redis.call('ZREM', expiry, gone)
end
redis.call('ZADD', since, 'NX', ms, ARGV[1])
redis.call('ZADD', expiry, ms + ARGV[2], ARGV[1])
redis.call('PEXPIRE', since, ARGV[2] * 2)
redis.call('PEXPIRE', expiry, ARGV[2] * 2)
return redis.call('ZRANGE', since, 0, -1)
`;

/** For servers of several processes. While Redis is away, calls reject at once. Throws SERVICE_UNAVAILABLE where it does not answer at the start. */
export async function redisRoomDirectory(options: {
  url: string;
  log: Log;
  namespace?: string;
}): Promise<RoomDirectory> {
  const { url, log, namespace = 'veza' } = options;
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false,
    retryStrategy: (attempt) => Math.min(attempt * 100, MAX_RECONNECT_DELAY_MS),
  });
  redis.on('error', (error) => log.warn({ err: error }, 'directory of live rooms: Redis is away'));
  // With one hash tag, so that both are on the same node of a cluster.
  const keysOf = (liveRoomId: string) =>
    ['since', 'expiry'].map((part) => `${namespace}:media:{${liveRoomId}}:${part}`);
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw new CodedError('SERVICE_UNAVAILABLE', `Redis does not answer: ${messageOf(error)}`, {}, error);
  }
  return {
    async renew(liveRoomId, serverId, ttlMs) {
      const hosts = await redis.eval(RENEW, 2, ...keysOf(liveRoomId), serverId, ttlMs);
      return Array.isArray(hosts) ? hosts.map(String) : [];
    },
    async leave(liveRoomId, serverId) {
      await Promise.all(keysOf(liveRoomId).map((key) => redis.zrem(key, serverId)));
    },
    async close() {
      redis.disconnect();
    },
  };
}

/** In Redis where `redisUrl` is set, else in memory, for one process only. Throws as redisRoomDirectory. */
export async function connectRoomDirectory(options: { redisUrl?: string; log: Log }): Promise<RoomDirectory> {
  const { redisUrl, log } = options;
  return redisUrl === undefined ? memoryRoomDirectory() : redisRoomDirectory({ url: redisUrl, log });
}
