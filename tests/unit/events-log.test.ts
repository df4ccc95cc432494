import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Refusal } from '#platform/errors.ts';
import { appendAll } from '#platform/events/event-log.ts';
import { seededRandom } from '../support/random.ts';
import { appendMany, messageEdited, startEvents, type EventsUnderTest } from '../support/events.ts';

let under: EventsUnderTest;
before(async () => {
  under = await startEvents();
});
after(() => under[Symbol.asyncDispose]());

test('20 writers at once leave a log without a gap or a duplicate [E04]', async () => {
  await Promise.all(Array.from({ length: 20 }, () => appendMany(under.events, 'room:busy', 10)));
  const events = await under.events.read('room:busy');
  assert.deepEqual(
    events.map(({ seq }) => seq),
    Array.from({ length: 200 }, (_, index) => index + 1),
  );
  assert.equal(new Set(events.map(({ id }) => id)).size, 200);
});

function writeExpecting(expectedSeq: number) {
  return under.events.transact((tx) => tx.append({ ...messageEdited('room:expected', 1), expectedSeq }));
}

test('a writer whose expected seq is outdated is refused and writes nothing [E04]', async () => {
  await writeExpecting(0);
  await assert.rejects(writeExpecting(0), (error: unknown) => {
    assert.ok(error instanceof Refusal);
    assert.equal(error.code, 'CONFLICT');
    assert.equal(error.errors[0].currentVersion, 1);
    return true;
  });
  assert.equal((await writeExpecting(1)).seq, 2);
});

test('a transaction that fails leaves no log row and no outbox row, and publishes nothing [E04]', async () => {
  const live = await under.liveBus.subscribe('room:rollback');
  const failing = under.events.transact(async (tx) => {
    await tx.append(messageEdited('room:rollback', 1));
    throw new Error('the rest of the use case failed');
  });
  await assert.rejects(failing, /the rest of the use case failed/);
  assert.deepEqual(await under.events.read('room:rollback'), []);
  const rows = await under.database.fork().execute(`select 1 from outbox where stream = 'room:rollback'`);
  assert.equal(rows.length, 0);

  await under.events.transact((tx) => tx.append(messageEdited('room:rollback', 2)));
  const { value } = await live.next();
  assert.equal((value as { payload: { revision: number } }).payload.revision, 2);
  assert.equal((await under.events.head('room:rollback')).lastSeq, 1);
});

test('what a transaction tells is told after its commit, whoever looks then sees it, and what was undone is never told', async () => {
  const { events, liveBus } = under;
  const heard = await liveBus.subscribe('topic');
  const committed = async () => (await events.head('room:told')).lastSeq;
  await events.transact(async (tx) => {
    tx.tell('topic', { of: 'the transaction' });
    await tx.append(messageEdited('room:told', 1));
    const undone = tx.savepoint(async (inner) => {
      inner.tell('topic', { of: 'what is undone' });
      throw new Error('refused');
    });
    await assert.rejects(undone, /refused/);
    await tx.savepoint(async (inner) => inner.tell('topic', { of: 'the savepoint' }));
    assert.equal(await committed(), 0);
  });
  assert.deepEqual((await heard.next()).value, { of: 'the transaction' });
  assert.equal(await committed(), 1);
  const failing = events.transact(async (tx) => {
    tx.tell('topic', { of: 'a failed transaction' });
    throw new Error('refused');
  });
  await assert.rejects(failing, /refused/);
  await events.transact(async (tx) => tx.tell('topic', { of: 'the last one' }));
  assert.deepEqual(
    [(await heard.next()).value, (await heard.next()).value],
    [{ of: 'the savepoint' }, { of: 'the last one' }],
  );
});

test('what is read is what was appended, whatever characters it holds', async () => {
  const text = `quote ' double " question ? ?? backslash \\ dollar $1 :name 日本 🎵 \n end`;
  const appended = await under.events.transact((tx) =>
    tx.append({
      stream: 'user:text',
      name: 'user.registered',
      payload: { userId: 'usr_1', handle: text, displayName: text },
      actorId: text,
      correlationId: 'req-1',
    }),
  );
  assert.deepEqual(await under.events.read('user:text'), [appended]);
});

test('a payload that breaks the event list is not written', async () => {
  const broken = { ...messageEdited('room:broken', 1), payload: JSON.parse('{"roomId":1}') };
  await assert.rejects(under.events.transact((tx) => tx.append(broken)));
  assert.equal((await under.events.head('room:broken')).lastSeq, 0);
});

test('append outside of a transaction is an error', async () => {
  await assert.rejects(
    appendAll(under.database.fork(), [messageEdited('room:none', 1)]),
    /needs a transaction/,
  );
});

test('several events at once come in their order into their streams, into the outbox and to who listens [E04]', async () => {
  const { events, liveBus, database } = under;
  const heard = await liveBus.subscribe('room:first');
  const streams = ['room:second', 'room:first', 'room:second', 'room:first', 'room:first'];
  const written = await events.transact((tx) =>
    tx.appendAll(streams.map((stream, index) => messageEdited(stream, index + 1))),
  );
  assert.deepEqual(
    written.map(({ stream, seq, payload }) => [stream, seq, payload.revision]),
    [
      ['room:second', 1, 1],
      ['room:first', 1, 2],
      ['room:second', 2, 3],
      ['room:first', 2, 4],
      ['room:first', 3, 5],
    ],
  );
  assert.deepEqual(
    await events.read('room:first'),
    written.filter(({ stream }) => stream === 'room:first'),
  );
  const queued = await database
    .fork()
    .execute<{ event_id: string }[]>(
      `select event_id from outbox where stream in ('room:first', 'room:second') order by position`,
    );
  assert.deepEqual(
    queued.map((row) => row.event_id),
    written.map(({ id }) => id),
  );
  assert.deepEqual((await heard.next()).value, written[1]);
});

test('writers of many streams at once neither deadlock nor leave a gap [E04]', async (t) => {
  const seed = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`TEST_SEED=${seed}`);
  const random = seededRandom(seed);
  const below = (count: number) => Math.floor(random() * count);
  const names = Array.from({ length: 6 }, (_, index) => `room:mixed-${index}`);
  const counts = new Map(names.map((name) => [name, 0]));
  const batches = Array.from({ length: 120 }, () =>
    Array.from({ length: 1 + below(8) }, () => `room:mixed-${below(6)}`),
  );
  for (const name of batches.flat()) counts.set(name, (counts.get(name) ?? 0) + 1);
  await Promise.all(
    batches.map((batch) =>
      under.events.transact((tx) => tx.appendAll(batch.map((stream) => messageEdited(stream, 1)))),
    ),
  );
  for (const name of names) {
    const seqs = (await under.events.read(name)).map(({ seq }) => seq);
    assert.deepEqual(
      seqs,
      Array.from({ length: counts.get(name) ?? 0 }, (_, index) => index + 1),
    );
  }
});
