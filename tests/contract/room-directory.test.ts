import { randomUUID } from 'node:crypto';
import { redisRoomDirectory } from '../../media-server/mesh/room-directory-redis.ts';
import { memoryRoomDirectory } from '../../media-server/mesh/room-directory.ts';
import { silentLog } from '../support/events.ts';
import { services, skipWithout } from '../support/services.ts';
import { testRoomDirectory } from './room-directory.contract.ts';

testRoomDirectory({
  name: 'memory',
  skip: false,
  async open() {
    const directory = memoryRoomDirectory();
    return { here: directory, there: directory };
  },
});

testRoomDirectory({
  name: 'redis',
  skip: skipWithout('redisUrl'),
  async open() {
    const options = { url: services.redisUrl ?? '', log: silentLog, namespace: `test-${randomUUID()}` };
    const [here, there] = await Promise.all([redisRoomDirectory(options), redisRoomDirectory(options)]);
    return { here, there };
  },
});
