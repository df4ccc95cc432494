import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { DurableBus, EventFrame } from '#platform/events/ports.ts';
import { consumerMemory, type ConsumerMemory } from '../support/durable-consumers.ts';
import { createProbe } from '../support/events.ts';

export interface DurableBusAdapter {
  readonly name: string;
  readonly skip: string | false;
  /** Two connections as two processes would have them; the same object twice where the adapter lives in one process. */
  open(): Promise<{ here: DurableBus; there: DurableBus; dispose(): Promise<void> }>;
}

/** A valid frame; ids are new each time. */
export function frame(seq: number, overrides: Partial<EventFrame> = {}): EventFrame {
  return {
    id: `evt_${randomUUID()}`,
    name: 'message.edited',
    version: 1,
    stream: 'room:1',
    seq,
    at: new Date().toISOString(),
    actorId: null,
    correlationId: null,
    payload: { roomId: 'rom_1', messageId: 'msg_1', revision: seq },
    ...overrides,
  };
}

/** What an outbox does: again and again until the bus has it. */
async function publishUntilStored(bus: DurableBus, event: EventFrame): Promise<void> {
  for (;;) {
    const stored = await bus.publish(event).then(
      () => true,
      () => false,
    );
    if (stored) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const NAMES = ['message.edited', 'message.deleted'] as const;

export function testDurableBus({ name, skip, open }: DurableBusAdapter): void {
  const check = (
    title: string,
    run: (here: DurableBus, there: DurableBus, consume: ConsumerMemory['consume']) => Promise<void>,
  ) =>
    test(`${name}: ${title}`, { skip, timeout: 30_000 }, async () => {
      const { here, there, dispose } = await open();
      try {
        await run(here, there, consumerMemory().consume);
      } finally {
        await dispose();
      }
    });

  check(
    'every consumer receives every event it asked for, in order, and no other [F12]',
    async (here, there, consume) => {
      const first = createProbe<EventFrame>();
      const second = createProbe<EventFrame>();
      await consume(here, 'first', NAMES, async (event) => first.add(event));
      await consume(there, 'second', ['message.deleted'], async (event) => second.add(event));
      const edited = Array.from({ length: 20 }, (_, index) => frame(index + 1));
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      const deleted = frame(21, { name: 'message.deleted', traceparent });
      await there.publish(frame(1, { name: 'track.liked', stream: 'track:1' }));
      for (const event of [...edited, deleted]) await there.publish(event);
      assert.deepEqual(await first.atLeast(21), [...edited, deleted]);
      assert.deepEqual(await second.atLeast(1), [deleted]);
    },
  );

  check(
    'an event that was not accepted comes again, before its successors [F12]',
    async (here, there, consume) => {
      const seen = createProbe<number>();
      let failures = 3;
      await consume(here, 'flaky', NAMES, async (event) => {
        if (event.seq === 2 && failures-- > 0) throw new Error('the inbox is away');
        seen.add(event.seq);
      });
      for (const seq of [1, 2, 3]) await publishUntilStored(there, frame(seq));
      assert.deepEqual(await seen.atLeast(3), [1, 2, 3]);
      assert.equal(failures, -1);
    },
  );

  check('a consumer that was away receives what it missed [F12]', async (here, there, consume) => {
    const seen = createProbe<number>();
    const accept = async (event: EventFrame) => seen.add(event.seq);
    const consumption = await consume(here, 'traveller', NAMES, accept);
    await publishUntilStored(there, frame(1));
    await seen.atLeast(1);
    await consumption.stop();

    const published = Promise.all(
      [2, 3].map((seq) => publishUntilStored(there, frame(seq, { stream: `room:${seq}` }))),
    );
    await consume(here, 'traveller', NAMES, accept);
    await published;
    assert.deepEqual((await seen.atLeast(3)).toSorted(), [1, 2, 3]);
  });

  check(
    'two instances of a consumer share the work: each event goes to one of them',
    async (here, there, consume) => {
      const seen = createProbe<number>();
      await consume(here, 'pair', NAMES, async (event) => seen.add(event.seq));
      await consume(there, 'pair', NAMES, async (event) => seen.add(event.seq));
      const all = Array.from({ length: 30 }, (_, index) => index + 1);
      for (const seq of all) await publishUntilStored(there, frame(seq));
      const last = createProbe<number>();
      await consume(there, 'last', ['track.liked'], async (event) => last.add(event.seq));
      await publishUntilStored(there, frame(1, { name: 'track.liked' }));
      await last.atLeast(1);
      assert.deepEqual(await seen.atLeast(30), all);
    },
  );

  check('what a consumer does with an event does not change it for another', async (here, there, consume) => {
    const other = createProbe<EventFrame>();
    await consume(here, 'vandal', NAMES, async (event) => {
      Object.assign(event, { name: 'spoilt' });
    });
    await consume(here, 'victim', NAMES, async (event) => other.add(event));
    const event = frame(1);
    await publishUntilStored(there, event);
    assert.deepEqual(await other.atLeast(1), [event]);
  });

  check('after close() it takes nothing and answers no ping', async (here) => {
    await here.ping();
    await here.close();
    await assert.rejects(here.publish(frame(1)));
    await assert.rejects(here.ping());
  });
}
