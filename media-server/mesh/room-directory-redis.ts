import { Redis } from 'ioredis';
import { CodedError, messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { memoryRoomDirectory, PLACE_KINDS, type RoomDirectory } from './room-directory.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const COMMAND_TIMEOUT_MS = 3_000;
const MAX_RECONNECT_DELAY_MS = 2_000;

/**
 * A room is two sorted sets of server ids, by the moment of their coming and by that of their expiry, in the clock of Redis, and for each kind of place
 * a hash of participants and the servers through which they have one. What belongs together is done in one script: two servers that open a room at
 * the same moment both see who was first, and two that take the last place do not both get it.
 */
const ROOM = `
local since, expiry = KEYS[1], KEYS[2]
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local function drop(places, server, kept)
  local all = redis.call('HGETALL', places)
  for i = 1, #all, 2 do
    if all[i + 1] == server and not kept[all[i]] then redis.call('HDEL', places, all[i]) end
  end
end
local function forget(server)
  redis.call('ZREM', since, server)
  redis.call('ZREM', expiry, server)
  drop(KEYS[3], server, {})
  drop(KEYS[4], server, {})
end
local function host(server, ttl)
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', expiry, '-inf', ms)) do forget(gone) end
  redis.call('ZADD', since, 'NX', ms, server)
  redis.call('ZADD', expiry, ms + ttl, server)
end
local function keep(ttl)
  for i = 1, 4 do redis.call('PEXPIRE', KEYS[i], ttl * 2) end
end
`;

/** Arguments: server, life in ms, and for each kind of place the ids of those who have one, as JSON. */
const RENEW = `${ROOM}
host(ARGV[1], ARGV[2])
for place = 3, 4 do
  local kept = {}
  for _, participant in ipairs(cjson.decode(ARGV[place])) do
    kept[participant] = true
    redis.call('HSETNX', KEYS[place], participant, ARGV[1])
  end
  drop(KEYS[place], ARGV[1], kept)
end
keep(ARGV[2])
return redis.call('ZRANGE', since, 0, -1)
`;

/** Arguments: server, life in ms, number of the key of the kind, participant, limit or -1. */
const TAKE = `${ROOM}
host(ARGV[1], ARGV[2])
local places, limit = KEYS[tonumber(ARGV[3])], tonumber(ARGV[5])
local isFree = limit < 0 or redis.call('HEXISTS', places, ARGV[4]) == 1 or redis.call('HLEN', places) < limit
if isFree then redis.call('HSET', places, ARGV[4], ARGV[1]) end
keep(ARGV[2])
return isFree and 1 or 0
`;

const LEAVE = `${ROOM}
forget(ARGV[1])
`;

const GIVE = `
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
`;

/** Number of the first key with places, as scripts count. */
const FIRST_PLACES = 3;

/** For servers of several processes. While Redis is away, calls reject at once. Throws SERVICE_UNAVAILABLE where it does not answer at the start. */
export async function redisRoomDirectory(options: {
  url: string;
  log: Log;
  namespace?: string;
}): Promise<RoomDirectory> {
  const { url, log, namespace = 'veza' } = options;
  const redis = await connect(url, log);
  // With one hash tag, so that all are on the same node of a cluster.
  const keyOf = (liveRoomId: string, part: string) => `${namespace}:media:{${liveRoomId}}:${part}`;
  const run = (script: string, liveRoomId: string, ...values: (string | number)[]) => {
    const keys = ['since', 'expiry', ...PLACE_KINDS].map((part) => keyOf(liveRoomId, part));
    return redis.eval(script, keys.length, ...keys, ...values);
  };
  return {
    async renew(liveRoomId, serverId, ttlMs, held = { seat: [], voice: [] }) {
      const places = PLACE_KINDS.map((kind) => JSON.stringify(held[kind]));
      const hosts = await run(RENEW, liveRoomId, serverId, ttlMs, ...places);
      return Array.isArray(hosts) ? hosts.map(String) : [];
    },
    async leave(liveRoomId, serverId) {
      await run(LEAVE, liveRoomId, serverId);
    },
    async take(kind, liveRoomId, { participantId, serverId }, limit, ttlMs) {
      const key = FIRST_PLACES + PLACE_KINDS.indexOf(kind);
      return (await run(TAKE, liveRoomId, serverId, ttlMs, key, participantId, limit ?? -1)) === 1;
    },
    async give(kind, liveRoomId, { participantId, serverId }) {
      await redis.eval(GIVE, 1, keyOf(liveRoomId, kind), participantId, serverId);
    },
    async close() {
      redis.disconnect();
    },
  };
}

async function connect(url: string, log: Log): Promise<Redis> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false,
    retryStrategy: (attempt) => Math.min(attempt * 100, MAX_RECONNECT_DELAY_MS),
  });
  redis.on('error', (error) => log.warn({ err: error }, 'directory of live rooms: Redis is away'));
  try {
    await redis.connect();
    return redis;
  } catch (error) {
    redis.disconnect();
    throw new CodedError('SERVICE_UNAVAILABLE', `Redis does not answer: ${messageOf(error)}`, {}, error);
  }
}

/** In Redis where `redisUrl` is set, else in memory, for one process only. Throws as redisRoomDirectory. */
export async function connectRoomDirectory(options: { redisUrl?: string; log: Log }): Promise<RoomDirectory> {
  const { redisUrl, log } = options;
  return redisUrl === undefined ? memoryRoomDirectory() : redisRoomDirectory({ url: redisUrl, log });
}
