import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createInbox, type Handler } from '#platform/events/inbox.ts';
import { storeEvents } from '#platform/events/inbox-store.ts';
import type { EventFrame } from '#platform/events/ports.ts';
import { frame } from '../contract/durable-bus.contract.ts';
import { eventually } from '../support/platform-client.ts';
import { silentLog, startEvents } from '../support/events.ts';

/** An inbox that finds `events` waiting when it starts. */
async function startWith(events: readonly EventFrame[], handler: Handler<'message.edited'>) {
  const under = await startEvents();
  const { database, durableBus } = under;
  await database
    .fork()
    .execute('create table effect (place bigserial, stream text, seq int, transaction xid8)', [], 'run');
  await storeEvents(database.fork(), 'test', events, new Date());
  const inbox = createInbox({ database, durableBus, log: silentLog, transact: under.events.transact });
  inbox.consume('test', ['message.edited'], handler);
  await inbox.start();
  return {
    under,
    inbox,
    effects: (count: number) =>
      eventually(async () => {
        const sql = 'select stream, seq, transaction::text from effect order by place';
        const rows = await database
          .fork()
          .execute<{ stream: string; seq: number; transaction: string }[]>(sql);
        assert.equal(rows.length, count);
        return rows;
      }),
    async [Symbol.asyncDispose]() {
      await inbox.stop();
      await under[Symbol.asyncDispose]();
    },
  };
}

const writeEffect: Handler<'message.edited'> = async ({ stream, seq }, { em }) => {
  const sql = 'insert into effect (stream, seq, transaction) values (?, ?, pg_current_xact_id())';
  await em.execute(sql, [stream, seq], 'run');
};

const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test('events of many streams are handled several in a transaction, each stream in order', async () => {
  const events = range(400).map((nth) => frame(Math.ceil(nth / 20), { stream: `room:${nth % 20}` }));
  await using started = await startWith(events, writeEffect);
  const effects = await started.effects(400);
  assert.ok(new Set(effects.map(({ transaction }) => transaction)).size <= 100);
  for (const ofStream of Map.groupBy(effects, ({ stream }) => stream).values())
    assert.deepEqual(
      ofStream.map(({ seq }) => seq),
      range(20),
    );
});

test('an event that fails takes nothing with it but what follows in its stream', async () => {
  const events = ['room:1', 'room:2', 'room:3'].flatMap((stream) =>
    range(5).map((seq) => frame(seq, { stream })),
  );
  let failures = 1;
  await using started = await startWith(events, async (event, tx) => {
    await writeEffect(event, tx);
    if (event.stream === 'room:2' && event.seq === 3 && failures-- > 0) throw new Error('not yet');
  });
  const effects = await started.effects(15);
  for (const ofStream of Map.groupBy(effects, ({ stream }) => stream).values())
    assert.deepEqual(
      ofStream.map(({ seq }) => seq),
      range(5),
    );
});

test('a stream that waits for its next attempt does not keep others waiting, however much of it came first', async () => {
  const events = [...range(1_200).map((seq) => frame(seq)), frame(1, { stream: 'room:late' })];
  await using started = await startWith(events, async (event, tx) => {
    if (event.stream === 'room:1') throw new Error('never');
    await writeEffect(event, tx);
  });
  assert.deepEqual(
    (await started.effects(1)).map(({ stream }) => stream),
    ['room:late'],
  );
});

test('batches that need what the other one has locked are undone and handled all the same, without a failure', async () => {
  const reached = { 'room:a': Promise.withResolvers<void>(), 'room:b': Promise.withResolvers<void>() };
  await using started = await startWith([], async (event, tx) => {
    const inA = event.stream === 'room:a';
    // Each worker has locked one row in its first event, and asks for the other one in its second.
    if (event.seq === 2) {
      reached[inA ? 'room:a' : 'room:b'].resolve();
      await reached[inA ? 'room:b' : 'room:a'].promise;
    }
    const key = inA === (event.seq === 1) ? 'x' : 'y';
    await tx.em.execute('update shared set n = n + 1 where key = ?', [key], 'run');
    await writeEffect(event, tx);
  });
  const em = started.under.database.fork();
  await em.execute(
    `create table shared as select key, 0 as n from unnest(array['x', 'y']) as key`,
    [],
    'run',
  );
  const receive = async (stream: string) => {
    await storeEvents(em, 'test', [frame(1, { stream }), frame(2, { stream })], new Date());
    started.inbox.wake();
  };
  await receive('room:a');
  await reached['room:a'].promise;
  await receive('room:b');
  await started.effects(4);
  assert.deepEqual(await em.execute('select key, n from shared order by key'), [
    { key: 'x', n: 2 },
    { key: 'y', n: 2 },
  ]);
  await eventually(async () =>
    assert.deepEqual(await em.execute('select distinct state, attempts from inbox'), [
      { state: 'done', attempts: 1 },
    ]),
  );
});

test('an event that PostgreSQL cannot hold is dropped, and those beside it are not', async () => {
  await using started = await startWith([], writeEffect);
  const { durableBus } = started.under;
  await durableBus.publish(frame(1));
  await durableBus.publish(frame(2, { payload: { roomId: 'a\0b', messageId: 'msg_1', revision: 2 } }));
  await durableBus.publish(frame(3));
  assert.deepEqual(
    (await started.effects(2)).map(({ seq }) => seq),
    [1, 3],
  );
});
