import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { connectDurableBus, connectLiveBus } from '#platform/events/connect.ts';
import { natsDurableBus } from '#platform/events/durable-bus-nats.ts';
import { redisLiveBus } from '#platform/events/live-bus-redis.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { createProbe, silentLog } from '../support/events.ts';
import { consumerMemory } from '../support/durable-consumers.ts';
import { ownNats, skipWithoutNats } from '../support/nats.ts';
import { freePort, restartableServer } from '../support/servers.ts';
import { frame } from './durable-bus.contract.ts';

const skipWithoutCommand = (command: string) =>
  spawnSync(command, ['--version']).error ? `${command} is not installed` : false;

const redis = (port: number, folder: string) => ['--port', `${port}`, '--dir', folder, '--save', ''];

async function until(check: () => Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 20));
}

const works = (run: () => Promise<unknown>) => () =>
  run().then(
    () => true,
    () => false,
  );

function withoutSecret(error: Error): never {
  assert.doesNotMatch(error.message, /hunter2/);
  throw error;
}

test('a bus that is not there is one clear error at start, without the password', async () => {
  const port = await freePort();
  const expected = { code: 'SERVICE_UNAVAILABLE', message: new RegExp(`127\\.0\\.0\\.1:${port} cannot be`) };
  const urls = {
    redisUrl: `redis://me:hunter2@127.0.0.1:${port}`,
    natsUrl: `nats://me:hunter2@127.0.0.1:${port}`,
  };
  await assert.rejects(connectLiveBus({ ...urls, log: silentLog }).catch(withoutSecret), expected);
  await assert.rejects(connectDurableBus({ ...urls, log: silentLog }).catch(withoutSecret), expected);
});

test(
  'Redis goes away: calls reject at once, and subscriptions come back with it [E02]',
  {
    skip: skipWithoutCommand('redis-server'),
    timeout: 30_000,
  },
  async (t) => {
    await using server = await restartableServer('redis-server', redis);
    await server.start();
    const bus: LiveBus = await redisLiveBus({ url: `redis://127.0.0.1:${server.port}`, log: silentLog });
    t.after(() => bus.close());
    const subscription = await bus.subscribe('room:1');
    const leaving = await bus.subscribe('room:2');
    await server.kill();
    await until(async () => !(await works(() => bus.ping())()));
    await assert.rejects(bus.publish('room:1', 'lost'));
    await until(async () => !(await works(async () => (await bus.subscribe('room:3')).return())()));
    // A listener that leaves during the outage must not end the process.
    await leaving.return();

    await server.start();
    const received = subscription.next();
    const again = setInterval(() => bus.publish('room:1', 'back').catch(() => undefined), 20);
    assert.equal((await received).value, 'back');
    clearInterval(again);
    await server.kill();
  },
);

test(
  'NATS is killed and comes back: nothing is lost, and consumers go on [E01]',
  {
    skip: skipWithoutNats,
    timeout: 60_000,
  },
  async (t) => {
    await using server = await ownNats();
    await server.start();
    const bus = await natsDurableBus({ url: `nats://127.0.0.1:${server.port}`, log: silentLog });
    t.after(() => bus.close());
    const seen = createProbe<number>();
    await consumerMemory().consume(bus, 'survivor', ['message.edited'], ({ seq }) => seen.add(seq));
    await bus.publish(frame(1));
    await bus.publish(frame(2));
    await seen.atLeast(2);
    await server.kill();
    const during = frame(3);
    await assert.rejects(bus.publish(during));

    await server.start();
    await until(works(() => bus.publish(during)));
    await until(works(() => bus.publish(frame(4))));
    assert.deepEqual(await seen.atLeast(4), [1, 2, 3, 4]);
  },
);
