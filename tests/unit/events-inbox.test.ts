import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs } from '#platform/events/backoff.ts';
import { createInbox, type ConsumeOptions, type Handler, type InboxTiming } from '#platform/events/inbox.ts';
import type { AnyEvent } from '#platform/events/ports.ts';
import { frame } from '../contract/durable-bus.contract.ts';
import { createProbe, silentLog, startEvents } from '../support/events.ts';

/** An inbox whose clock stands still until the test moves it. */
async function startInbox(
  handler: Handler<'message.edited'>,
  timing: InboxTiming = {},
  options: ConsumeOptions<'message.edited'> = {},
) {
  const under = await startEvents();
  const clock = { ms: Date.parse('2026-01-01T00:00:00Z') };
  const inbox = createInbox({
    database: under.database,
    durableBus: under.durableBus,
    log: silentLog,
    transact: under.events.transact,
    timing: { now: () => new Date(clock.ms), random: () => 1, ...timing },
  });
  inbox.consume('test', ['message.edited'], handler, options);
  await inbox.start();
  return {
    under,
    inbox,
    clock,
    rows: () =>
      under.database
        .fork()
        .execute<{ seq: number; state: string; attempts: number; waitMs: number }[]>(
          `select seq::int, state, attempts, (extract(epoch from next_attempt_at) * 1000 - ${clock.ms})::int as "waitMs" from inbox order by position`,
        ),
    async [Symbol.asyncDispose]() {
      await inbox.stop();
      await under[Symbol.asyncDispose]();
    },
  };
}

test('an event that is not wanted leaves no row, and one that cannot be read does all the same', async () => {
  const handled = createProbe<number>();
  const wants = ({ seq }: AnyEvent) => seq % 2 === 0;
  await using started = await startInbox(async ({ seq }) => handled.add(seq), {}, { wants });
  const { durableBus } = started.under;
  for (const event of [frame(1), frame(2), frame(3, { version: 99 }), frame(4), frame(5)])
    await durableBus.publish(event);
  assert.deepEqual((await handled.atLeast(2)).toSorted(), [2, 4]);
  const rows = await waitFor(started.rows, (found) => found.every(({ state }) => state !== 'pending'));
  assert.deepEqual(
    rows.map(({ seq, state }) => [seq, state]),
    [
      [2, 'done'],
      [3, 'dead'],
      [4, 'done'],
    ],
  );
});

test('a failing event comes again after a growing pause, and its stream waits for it [E03]', async () => {
  const tried = createProbe<string>();
  let failures = 2;
  await using started = await startInbox(async ({ stream, seq }) => {
    tried.add(`${stream}#${seq}`);
    if (stream === 'room:1' && seq === 1 && failures-- > 0) throw new Error('not yet');
  });
  const { under, inbox, clock } = started;
  for (const event of [frame(1), frame(2), frame(1, { stream: 'room:2' })])
    await under.durableBus.publish(event);
  assert.deepEqual((await tried.atLeast(2)).toSorted(), ['room:1#1', 'room:2#1']);

  for (const [pauseMs, count] of [
    [100, 3],
    [200, 4],
  ] as const) {
    const pending = await waitFor(started.rows, (rows) => (rows[0]?.waitMs ?? 0) > 0);
    assert.equal(pending[0]?.waitMs, pauseMs);
    clock.ms += pauseMs;
    inbox.wake();
    await tried.atLeast(count);
  }
  assert.deepEqual((await tried.atLeast(5)).slice(2), ['room:1#1', 'room:1#1', 'room:1#2']);
});

test('what fails too often becomes a dead letter, lets its stream go on, and can be replayed [E03]', async () => {
  const handled = createProbe<number>();
  let broken = true;
  await using started = await startInbox(
    async ({ seq }) => {
      if (broken && seq === 1) throw new Error('the reason');
      handled.add(seq);
    },
    { maxAttempts: 1 },
  );
  const { under, inbox } = started;
  await under.durableBus.publish(frame(1));
  await under.durableBus.publish(frame(2));
  await handled.atLeast(1);
  const [letter, ...others] = await waitFor(inbox.deadLetters, ({ length }) => length > 0);
  assert.deepEqual(others, []);
  assert.equal(letter?.lastError, 'the reason');
  assert.equal(letter?.event.seq, 1);
  assert.equal(letter?.attempts, 1);

  broken = false;
  assert.equal(await inbox.replayDeadLetter(letter?.id ?? ''), true);
  assert.deepEqual(await handled.atLeast(2), [2, 1]);
  assert.equal(await inbox.replayDeadLetter(letter?.id ?? ''), false);
  assert.equal(await inbox.replayDeadLetter('; drop table inbox'), false);
  assert.deepEqual(await inbox.deadLetters(), []);
});

test('an event of a newer version or with an invalid payload becomes a dead letter at once [E12]', async () => {
  const handled = createProbe<AnyEvent>();
  await using started = await startInbox(async (event) => handled.add(event));
  const { under, inbox } = started;
  await under.durableBus.publish(frame(1, { version: 99 }));
  await under.durableBus.publish(frame(2, { payload: { revision: 'two' } }));
  await under.durableBus.publish(frame(3));
  assert.equal((await handled.atLeast(1))[0]?.seq, 3);
  const letters = await waitFor(inbox.deadLetters, ({ length }) => length === 2);
  assert.deepEqual(
    letters.map(({ event }) => event.seq),
    [1, 2],
  );
  assert.match(letters[0]?.lastError ?? '', /version 99/);
  assert.match(letters[1]?.lastError ?? '', /invalid payload/);
});

test('backoff doubles up to 30 s and half of it is random', () => {
  assert.deepEqual(
    [1, 2, 3, 9, 10, 1_000].map((failures) => backoffMs(failures, () => 1)),
    [100, 200, 400, 25_600, 30_000, 30_000],
  );
  assert.equal(
    backoffMs(1, () => 0),
    50,
  );
});

async function waitFor<T>(read: () => Promise<T>, good: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read();
    if (good(value)) return value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
