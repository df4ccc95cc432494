import assert from 'node:assert/strict';
import { it } from 'node:test';
import { memoryDurableBus } from '#platform/events/durable-bus-memory.ts';
import { createProbe, messageEdited, startEvents } from '../support/events.ts';

it('writes what a service does on hearing of an event to its own database, in one process with the publisher [D07]', async () => {
  const durableBus = memoryDurableBus();
  await using publisher = await startEvents({ durableBus });
  await using consumer = await startEvents({ durableBus });
  const heard = createProbe<string>();
  consumer.events.consume('listener', ['message.edited'], async (event, { em }) => {
    const [row] = (await em.execute('select current_database() as name')) as { name: string }[];
    heard.add(`${event.seq} in ${row!.name}`);
  });
  await consumer.events.startConsumers();
  publisher.events.startRelay();
  await publisher.events.transact((tx) => tx.append(messageEdited('room:1', 1)));
  await heard.atLeast(1);
  assert.deepEqual(heard.values, [`1 in ${new URL(consumer.url).pathname.slice(1)}`]);
  const inbox = await publisher.database.fork().execute('select * from inbox');
  assert.deepEqual(inbox, []);
});
