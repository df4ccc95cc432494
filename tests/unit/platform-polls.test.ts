import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { INTERNAL_HEADER, signInternal } from '#platform/internal-auth.ts';
import { answerPoll } from '#platform/polling/answer-poll.ts';
import {
  MAX_POLL_RESULTS,
  POLL_EXTENSION,
  pollAnswer,
  type PollRequest,
} from '#platform/polling/poll-protocol.ts';
import { Poll } from '#platform/polling/poll.ts';
import { pollStream } from '#platform/events/tail-poll.ts';
import type { TailItem } from '#platform/events/tail.ts';
import { serveSubgraph } from '#platform/serve-subgraph.ts';
import { createMetrics } from '#platform/metrics.ts';
import { appendMany, silentLog, startEvents, type EventsUnderTest } from '../support/events.ts';
import { TINY_SECRET, tinySubgraph } from '../support/tiny-subgraph.ts';

describe('a poll of a subscription', () => {
  const { endpoint } = tinySubgraph(silentLog);
  const run = async (
    extension: unknown,
    headers: Record<string, string>,
    query = 'subscription { ticks(of: "a") { value } }',
  ) => {
    const scope = { headers, signal: new AbortController().signal };
    const result = await endpoint.execute({ query, extensions: { [POLL_EXTENSION]: extension } }, scope);
    return result.errors?.[0]?.extensions?.['code'];
  };
  const internal = { [INTERNAL_HEADER]: signInternal(TINY_SECRET) };

  it('is for those who know the secret of the platform', async () => {
    assert.equal(await run({}, {}), 'FORBIDDEN');
    assert.equal(
      await run({}, { [INTERNAL_HEADER]: signInternal('another secret of 32 characters!!') }),
      'FORBIDDEN',
    );
    const stale = { [INTERNAL_HEADER]: signInternal(TINY_SECRET, Date.now() - 180_000) };
    assert.equal(await run({ position: 1 }, stale), 'FORBIDDEN');
  });

  it('is refused where it is malformed, or no subscription, or one that cannot be polled', async () => {
    for (const extension of [
      1,
      [],
      { messages: 'a' },
      { messages: [{ payload: 1 }] },
      { messages: Array.from({ length: 101 }, () => ({ topic: 'a' })) },
    ])
      assert.equal(await run(extension, internal), 'BAD_REQUEST', JSON.stringify(extension));
    assert.equal(await run({}, internal, '{ whoAmI }'), 'BAD_REQUEST');
    // Its source waits for a bus of its own, and would do so without end.
    assert.equal(await run({}, internal), 'INTERNAL_SERVER_ERROR');
    assert.equal(await run({}, internal, 'subscription { refused { value } }'), 'FORBIDDEN');
  });

  it('comes over the ordinary address of a subgraph, which trusts a client of it no more than any other', async () => {
    const listener = await serveSubgraph({
      endpoint,
      ...{ host: '127.0.0.1', port: 0, checks: {}, metrics: createMetrics('tiny'), log: silentLog },
    });
    const post = async (headers: Record<string, string>) => {
      const response = await fetch(`http://127.0.0.1:${listener.port}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({
          query: 'subscription { refused { value } }',
          extensions: { [POLL_EXTENSION]: { position: null, messages: [{ topic: 'a', payload: 1 }] } },
        }),
      });
      const { errors }: { errors: { message: string }[] } = JSON.parse(await response.text());
      return errors[0]?.message;
    };
    assert.equal(await post({}), 'Only the platform itself polls subscriptions.');
    assert.equal(await post(internal), 'Not for you.');
    await listener.close(0);
  });
});

/** What a poll is answered with whose source gives these. */
async function answered(poll: Poll, source: AsyncIterable<unknown>) {
  const result = await answerPoll({ poll, source, map: async (n) => ({ data: { n } }) });
  return pollAnswer.parse(result.extensions?.[POLL_EXTENSION]);
}

const pollOf = (request: Partial<PollRequest> = {}) => new Poll({ messages: [], ...request });

describe('the answer to a poll', () => {
  it('says what was heard, what to listen to, and that there is more to come', async () => {
    const messages = [
      { topic: 'a', payload: 1 },
      { topic: 'b', payload: 2 },
      { topic: 'c', payload: 3 },
      { topic: 'a', payload: 4 },
    ];
    const poll = pollOf({ messages, position: 9 });
    const { results, topics, isOver, isMore, position } = await answered(poll, poll.listen(['a', 'b', 'a']));
    assert.deepEqual(
      results,
      [1, 2, 4].map((n) => ({ data: { n } })),
    );
    assert.deepEqual([topics, isOver, isMore, position], [['a', 'b'], false, false, null]);
  });

  it('is bounded, with the position behind what it holds', async () => {
    let at = 0;
    let isFreed = false;
    async function* endless() {
      try {
        for (;;) yield (at += 1);
      } finally {
        isFreed = true;
      }
    }
    const poll = pollOf();
    poll.messagesOn(['a']);
    poll.keep(() => at);
    const { results, isMore, isOver, position } = await answered(poll, endless());
    assert.deepEqual(
      [results.length, isMore, isOver, position],
      [MAX_POLL_RESULTS, true, false, MAX_POLL_RESULTS],
    );
    assert.ok(isFreed);
  });

  it('holds what came before a failure, and nothing of what failed is passed over', async () => {
    async function* failing(from: number) {
      for (at = from + 1; at < 3; at++) yield at;
      throw new Error('no database');
    }
    let at = 0;
    const poll = pollOf();
    poll.messagesOn(['a']);
    poll.keep(() => at);
    const { results, position, isMore, isOver } = await answered(poll, failing(0));
    assert.deepEqual([results.length, position, isMore, isOver], [2, 2, true, false]);
    const next = pollOf({ position });
    next.messagesOn(['a']);
    await assert.rejects(answered(next, failing(2)), /no database/);
  });

  it('ends a subscription whose source ends for good', async () => {
    const poll = pollOf({ position: 1 });
    poll.messagesOn(['a']);
    async function* last() {
      yield 1;
    }
    assert.equal((await answered(poll, last())).isOver, true);
  });

  it('refuses a position that another subscription has kept', async () => {
    const poll = pollOf({ position: { epoch: 'x' } });
    await assert.rejects(pollStream({ database: under.database, stream: 'room:1', after: null, poll }), {
      code: 'BAD_REQUEST',
    });
  });
});

let under: EventsUnderTest;
before(async () => void (under = await startEvents()));
after(() => under[Symbol.asyncDispose]());

describe('a poll of an event log', () => {
  /** One poll: what it tells, and the position it leaves. */
  const poll = async (stream: string, request: Partial<PollRequest>, after = null) => {
    const one = pollOf(request);
    const items: (number | string)[] = [];
    for await (const item of await pollStream({ database: under.database, stream, after, poll: one }))
      items.push(nameOf(item));
    return { items, position: one.position, topics: one.outcome(true).topics };
  };
  const nameOf = (item: TailItem) => (item.kind === 'event' ? item.event.seq : item.reason);
  const frames = async (stream: string) => {
    const events = await under.events.read(stream);
    return events.map((payload) => ({ topic: stream, payload: JSON.parse(JSON.stringify(payload)) }));
  };

  it('begins at the head, and goes on from where the poll before has ended, without a gap or a duplicate', async () => {
    await appendMany(under.events, 'room:a', 3);
    const first = await poll('room:a', {});
    assert.deepEqual([first.items, first.topics], [[], ['room:a']]);
    await appendMany(under.events, 'room:a', 250);
    const second = await poll('room:a', { position: first.position });
    assert.deepEqual(
      second.items,
      Array.from({ length: 250 }, (_, n) => n + 4),
    );
    assert.deepEqual((await poll('room:a', { position: second.position })).items, []);
  });

  it('begins before the first event of a log that has none yet', async () => {
    const first = await poll('room:unborn', {});
    await appendMany(under.events, 'room:unborn', 2);
    const second = await poll('room:unborn', { position: first.position });
    assert.deepEqual(second.items, [1, 2]);
    await appendMany(under.events, 'room:unborn', 1);
    assert.deepEqual((await poll('room:unborn', { position: second.position })).items, [3]);
  });

  it('takes events from messages in whatever order and number they come, and believes the log alone', async () => {
    const first = await poll('room:b', {});
    await appendMany(under.events, 'room:b', 5);
    const [one, two, three, four, five] = await frames('room:b');
    assert.ok(one && two && three && four && five);
    const invented = { topic: 'room:b', payload: { ...five.payload, seq: 6, id: 'evt_6' } };
    const foreign = { topic: 'room:b', payload: { ...one.payload, stream: 'room:c' } };
    for (const messages of [
      [one, two, three, four, five, invented],
      [five, three, three, one],
      [four, { topic: 'room:b', payload: 'garbage' }, foreign, invented],
    ])
      assert.deepEqual((await poll('room:b', { position: first.position, messages })).items, [1, 2, 3, 4, 5]);
  });

  it('asks for a fresh look where the log cannot go on, and then goes on', async () => {
    await appendMany(under.events, 'room:d', 5);
    const { epoch } = await under.events.head('room:d');
    await under.database.fork().execute(`delete from outbox where stream = 'room:d' and seq < 4`);
    await under.database.fork().execute(`delete from event_log where stream = 'room:d' and seq < 4`);
    for (const [position, reason] of [
      [{ epoch, seq: 1 }, 'WINDOW_EXPIRED'],
      [{ epoch: epoch + 1, seq: 5 }, 'EPOCH_CHANGED'],
      [{ epoch, seq: 9 }, 'EPOCH_CHANGED'],
    ] as const) {
      const resync = await poll('room:d', { position });
      assert.deepEqual([resync.items, resync.position], [[reason], { epoch, seq: 5 }]);
    }
    assert.deepEqual((await poll('room:d', { position: { epoch, seq: 3 } })).items, [4, 5]);
  });
});
