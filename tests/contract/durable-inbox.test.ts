import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { execute } from '../support/databases.ts';
import { openTestDatabase } from '../support/events.ts';
import { handledBy, publishUntilStored, startInboxPlatform } from '../support/inbox-process.ts';
import { skipWithoutNats } from '../support/nats.ts';
import { eventually } from '../support/platform-client.ts';
import { frame } from './durable-bus.contract.ts';

const STREAM = 'test_events';

test(
  'a stream that was deleted is read from its start, also where new messages have the places of old ones',
  { skip: skipWithoutNats, timeout: 60_000 },
  async () => {
    await using all = await startInboxPlatform();
    const process = await all.start();
    for (const seq of [1, 2, 3]) await process.bus.publish(frame(seq));
    await handledBy(process, 3);
    const before = await process.position();
    await all.withManager((manager) => manager.streams.delete(STREAM));
    // Its reader makes the stream anew.
    await all.withManager((manager) => eventually(async () => assert.ok(await manager.streams.info(STREAM))));
    for (const seq of [4, 5, 6, 7]) await publishUntilStored(process.bus, frame(seq));
    const handled = await handledBy(process, 7);
    assert.deepEqual(
      handled.map(({ seq }) => seq),
      [1, 2, 3, 4, 5, 6, 7],
    );
    assert.notEqual((await process.position())?.source, before?.source);
    await process.stop();
  },
);

test(
  'a consumer that stops and starts, over a broker that was killed, goes on where it was',
  { skip: skipWithoutNats, timeout: 60_000 },
  async () => {
    await using all = await startInboxPlatform();
    const first = await all.start();
    for (const seq of [1, 2, 3]) await first.bus.publish(frame(seq));
    await handledBy(first, 3);
    const before = await first.position();
    await first.stop();
    await all.server.kill();
    await all.server.start();
    const second = await all.start();
    await second.bus.publish(frame(4));
    await handledBy(second, 4);
    const after = await second.position();
    assert.equal(after?.source, before?.source);
    assert.equal(after?.seq, 4);
    await second.stop();
  },
);

test(
  'a broker that has lost its newest messages gives their places to others, and these are read',
  { skip: skipWithoutNats, timeout: 60_000 },
  async () => {
    await using all = await startInboxPlatform();
    const first = await all.start();
    for (const seq of [1, 2, 3]) await first.bus.publish(frame(seq));
    await handledBy(first, 3);
    await first.stop();
    // As far as a consumer can see: another message stands at its place.
    await execute(all.databaseUrl, `update inbox_position set mark = '2020-01-01T00:00:00.000Z', seq = 2`);
    await execute(all.databaseUrl, `delete from inbox where seq = 1; delete from handled where seq = 1`);
    const second = await all.start();
    assert.deepEqual(
      (await handledBy(second, 3)).map(({ seq }) => seq),
      [2, 3, 1],
    );
    await second.stop();
  },
);

test(
  'a database that has lost its newest commits under a running consumer gets them again',
  { skip: skipWithoutNats, timeout: 60_000 },
  async () => {
    await using all = await startInboxPlatform();
    const process = await all.start();
    for (const seq of [1, 2, 3]) await process.bus.publish(frame(seq));
    await handledBy(process, 3);
    await execute(
      all.databaseUrl,
      `begin; delete from inbox where seq > 1; delete from handled where seq > 1; update inbox_position p set seq = 1,
        mark = (select mark from position_seen where seq = 1); commit`,
    );
    await process.bus.publish(frame(4));
    assert.deepEqual(
      (await handledBy(process, 4)).map(({ seq }) => seq),
      [1, 2, 3, 4],
    );
    await process.stop();
  },
);

test(
  '50,000 events that nobody wants keep a new consumer busy for a few transactions only',
  { skip: skipWithoutNats, timeout: 120_000 },
  async () => {
    await using all = await startInboxPlatform();
    const publisher = await all.start('publisher');
    const unwanted = frame(1, { name: 'track.liked', stream: 'track:1' });
    for (let round = 0; round < 100; round++)
      await Promise.all(
        Array.from({ length: 500 }, () => publisher.bus.publish({ ...unwanted, id: `evt_${randomUUID()}` })),
      );
    await publisher.bus.publish(frame(1));
    const process = await all.start();
    await handledBy(process, 1);
    const notes = await process.notes();
    assert.ok(notes >= 1 && notes <= 8, `${notes} transactions`);
    await Promise.all([publisher.stop(), process.stop()]);
  },
);

test(
  'a durable consumer of an earlier version is removed from the broker',
  { skip: skipWithoutNats, timeout: 60_000 },
  async () => {
    await using all = await startInboxPlatform();
    const publisher = await all.start('publisher');
    await all.withManager((manager) => manager.consumers.add(STREAM, { durable_name: 'test' }));
    const process = await all.start();
    const names = await all.withManager(async (manager) => {
      const found: string[] = [];
      for await (const { name } of manager.consumers.list(STREAM)) found.push(name);
      return found;
    });
    assert.deepEqual(
      names.filter((name) => name === 'test'),
      [],
    );
    await Promise.all([publisher.stop(), process.stop()]);
  },
);

test(
  'a process that is cut off while it stores a batch has stored nothing, and another one stores it all',
  { skip: skipWithoutNats, timeout: 60_000 },
  async () => {
    await using all = await startInboxPlatform();
    const processes = [await all.start(), await all.start()];
    await processes[0]!.bus.publish(frame(1));
    await handledBy(processes[0]!, 1);
    const database = await openTestDatabase(all.databaseUrl);
    await database.fork().transactional(async (em) => {
      await em.execute('select 1 from inbox_position for update');
      for (let seq = 2; seq <= 200; seq++) await processes[0]!.bus.publish(frame(seq));
      // Both wait for the position, with a batch each.
      const waiting = `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      const [first] = await eventually(async () => {
        const rows = await em.execute<{ pid: number }[]>(waiting);
        assert.equal(rows.length, 2);
        return rows;
      });
      await em.execute('select pg_terminate_backend(?)', [first!.pid]);
    });
    const handled = await handledBy(processes[0]!, 200);
    assert.deepEqual(
      handled.map(({ seq }) => seq),
      Array.from({ length: 200 }, (_, index) => index + 1),
    );
    await database.close();
    await Promise.all(processes.map((process) => process.stop()));
  },
);
