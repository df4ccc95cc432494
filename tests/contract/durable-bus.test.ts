import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { memoryDurableBus } from '#platform/events/durable-bus-memory.ts';
import { natsDurableBus } from '#platform/events/durable-bus-nats.ts';
import { consumerMemory } from '../support/durable-consumers.ts';
import { createProbe, silentLog } from '../support/events.ts';
import { services, skipWithout } from '../support/services.ts';
import { frame, testDurableBus } from './durable-bus.contract.ts';

testDurableBus({
  name: 'durable bus in process',
  skip: false,
  async open() {
    const bus = memoryDurableBus();
    return { here: bus, there: bus, dispose: () => bus.close() };
  },
});

async function openNats() {
  const url = services.natsUrl ?? '';
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  const options = { url, log: silentLog, namespace };
  const [here, there] = await Promise.all([natsDurableBus(options), natsDurableBus(options)]);
  return {
    here,
    there,
    namespace,
    async dispose() {
      await Promise.all([here.close(), there.close()]);
      const connection = await connect({ servers: [url] });
      await (await jetstreamManager(connection)).streams.delete(`${namespace}_events`);
      await connection.close();
    },
  };
}

testDurableBus({ name: 'durable bus on NATS', skip: skipWithout('natsUrl'), open: openNats });

test('NATS: an event published twice is stored once', { skip: skipWithout('natsUrl') }, async () => {
  const { here, there, dispose } = await openNats();
  try {
    const event = frame(1);
    await here.publish(event);
    await there.publish(event);
    await here.publish(frame(2));
    const seen = createProbe<number>();
    await consumerMemory().consume(here, 'once', ['message.edited'], ({ seq }) => seen.add(seq));
    assert.deepEqual(await seen.atLeast(2), [1, 2]);
  } finally {
    await dispose();
  }
});

test(
  'NATS: a message that is no event is dropped and does not stop the consumer',
  { skip: skipWithout('natsUrl') },
  async () => {
    const { here, namespace, dispose } = await openNats();
    const connection = await connect({ servers: [services.natsUrl ?? ''] });
    try {
      for (const garbage of ['not json', '{"id":1}', '[]'])
        connection.publish(`${namespace}.events.message.edited`, garbage);
      await connection.flush();
      await here.publish(frame(1));
      const seen = createProbe<number>();
      await consumerMemory().consume(here, 'robust', ['message.edited'], ({ seq }) => seen.add(seq));
      assert.deepEqual(await seen.atLeast(1), [1]);
    } finally {
      await connection.close();
      await dispose();
    }
  },
);
