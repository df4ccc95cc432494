import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { it } from 'node:test';
import { memorySingleUse, redisSingleUse } from '#platform/single-use.ts';
import { silentLog } from '../support/events.ts';
import { services, skipWithout } from '../support/services.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { testSingleUse } from './single-use.contract.ts';

testSingleUse({
  name: 'single use in memory',
  skip: false,
  async open() {
    const store = memorySingleUse();
    return { here: store, there: store };
  },
});

testSingleUse({
  name: 'single use on Redis',
  skip: skipWithout('redisUrl'),
  async open() {
    const options = { url: services.redisUrl ?? '', log: silentLog, namespace: `test-${randomUUID()}` };
    const [here, there] = await Promise.all([redisSingleUse(options), redisSingleUse(options)]);
    return { here, there };
  },
});

it(
  'without Redis a process still knows its own uses, and keeps nobody out',
  { skip: skipWithout('redisUrl') },
  async () => {
    const { hostname, port } = new URL(services.redisUrl ?? '');
    const proxy = await startTcpProxy(hostname, Number(port));
    const namespace = `test-${randomUUID()}`;
    const store = await redisSingleUse({ url: `redis://127.0.0.1:${proxy.port}`, log: silentLog, namespace });
    try {
      proxy.block();
      const id = randomUUID();
      assert.equal(await store.take(id, 60_000), true);
      assert.equal(await store.take(id, 60_000), false);
    } finally {
      await store.close();
      await proxy.close();
    }
  },
);
