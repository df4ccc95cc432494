import { randomUUID } from 'node:crypto';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import { redisLiveBus } from '#platform/events/live-bus-redis.ts';
import { silentLog } from '../support/events.ts';
import { services, skipWithout } from '../support/services.ts';
import { testLiveBus } from './live-bus.contract.ts';

testLiveBus({
  name: 'live bus in memory',
  skip: false,
  async open() {
    const bus = memoryLiveBus();
    return { here: bus, there: bus };
  },
});

testLiveBus({
  name: 'live bus on Redis',
  skip: skipWithout('redisUrl'),
  async open() {
    const options = { url: services.redisUrl ?? '', log: silentLog, namespace: `test-${randomUUID()}` };
    const [here, there] = await Promise.all([redisLiveBus(options), redisLiveBus(options)]);
    return { here, there };
  },
});
