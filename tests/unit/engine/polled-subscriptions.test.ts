import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FormattedExecutionResult } from 'graphql';
import { CodedError } from '#platform/errors.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { INTERNAL_HEADER, isInternal } from '#platform/internal-auth.ts';
import { TEST_SECRET } from '../../support/subgraphs.ts';
import { answer, event, polled, refusal, TOPIC, watchedBus } from './polled-kit.ts';

describe('a polled subscription', () => {
  it('asks, listens, and asks once more: nothing falls in between', async () => {
    const log = [event(1)];
    const kit = polled(async ({ position }) => {
      const results = log.slice(Number(position ?? 0));
      // As if it happened just after the first answer was made.
      if (position === undefined) log.push(event(2));
      else assert.ok(kit.liveBus.listening.has(TOPIC));
      return answer({ results, position: Number(position ?? 0) + results.length });
    });
    const stream = await kit.open();
    assert.deepEqual([(await stream.next()).value, (await stream.next()).value], [event(1), event(2)]);
    assert.deepEqual(kit.polls.values, [{ messages: [] }, { position: 1, messages: [] }]);
    await stream.return();
  });

  it('hands on what it has heard, in order, and no more than a poll may hold', async () => {
    const gate = Promise.withResolvers<void>();
    const kit = polled(async () => answer());
    const stream = await kit.open();
    await kit.polls.atLeast(2);
    kit.answer(async () => {
      await gate.promise;
      return answer();
    });
    await kit.liveBus.publish(TOPIC, 'first');
    await kit.polls.atLeast(3);
    for (let n = 0; n < 150; n++) await kit.liveBus.publish(TOPIC, n);
    gate.resolve();
    const [, , first, second, third] = await kit.polls.atLeast(5);
    assert.deepEqual(first?.messages, [{ topic: TOPIC, payload: 'first' }]);
    assert.deepEqual(
      [...(second?.messages ?? []), ...(third?.messages ?? [])].map(({ payload }) => payload),
      Array.from({ length: 150 }, (_, n) => n),
    );
    assert.equal(second?.messages.length, 100);
    await stream.return();
  });

  it('sends a poll that failed again as it was, and its reader notices nothing', async () => {
    const kit = polled(async () => answer({ position: 7 }));
    const stream = await kit.open();
    await kit.polls.atLeast(2);
    const failures = [
      () => Promise.reject(new CodedError('SUBGRAPH_UNAVAILABLE', 'gone')),
      async () => refusal('INTERNAL_SERVER_ERROR'),
      async () => ({ data: { n: 1 } }),
    ];
    kit.answer(() => failures.shift()?.() ?? Promise.resolve(answer({ results: [event(1)], position: 8 })));
    await kit.liveBus.publish(TOPIC, 'heard');
    assert.deepEqual((await stream.next()).value, event(1));
    const sent = { position: 7, messages: [{ topic: TOPIC, payload: 'heard' }] };
    assert.deepEqual(kit.polls.values.slice(2), [sent, sent, sent, sent]);
    await stream.return();
  });

  it('fails with what the subgraph failed with, once that has lasted too long', async () => {
    const kit = polled(async () => answer(), { giveUpMs: 0 });
    const stream = await kit.open();
    await kit.polls.atLeast(2);
    kit.answer(() => Promise.reject(new CodedError('SUBGRAPH_TIMEOUT', 'slow')));
    await kit.liveBus.publish(TOPIC, 1);
    await assert.rejects(stream.next(), { code: 'SUBGRAPH_TIMEOUT' });
    assert.equal(kit.liveBus.listening.size, 0);
  });

  it('ends with the reason, behind what was told, where it is refused later', async () => {
    const kit = polled(async ({ position }) =>
      position === undefined ? answer({ results: [event(1)] }) : refusal('FORBIDDEN'),
    );
    const stream = await kit.open();
    assert.deepEqual((await stream.next()).value, event(1));
    assert.deepEqual((await stream.next()).value, refusal('FORBIDDEN'));
    assert.equal((await stream.next()).done, true);
    assert.equal(kit.liveBus.listening.size, 0);
  });

  it('is refused as its first poll is, and fails as that does', async () => {
    const refused = polled(async () => refusal('NOT_FOUND'));
    assert.deepEqual(await refused.subscribe(), refusal('NOT_FOUND'));
    const failing = polled(() => Promise.reject(new CodedError('SUBGRAPH_UNAVAILABLE', 'gone')));
    await assert.rejects(failing.subscribe(), { code: 'SUBGRAPH_UNAVAILABLE' });
    const strange = polled(async () => ({ data: { n: 1 } }));
    await assert.rejects(strange.subscribe(), { code: 'SUBGRAPH_ERROR' });
    const garbage = polled(async () => answer({ results: 'many' }));
    await assert.rejects(garbage.subscribe(), { code: 'SUBGRAPH_ERROR' });
    for (const { liveBus } of [refused, failing, strange, garbage]) assert.equal(liveBus.listening.size, 0);
  });

  it('is complete where the subgraph says so, and polls on at once where there is more', async () => {
    const kit = polled(async ({ position }) => {
      const n = Number(position ?? 0) + 1;
      return answer({ results: [event(n)], position: n, isMore: n < 5, isOver: n === 5 });
    });
    const stream = await kit.open();
    const seen = [];
    for await (const result of stream) seen.push(result);
    assert.deepEqual(seen, [1, 2, 3, 4, 5].map(event));
    assert.equal(kit.liveBus.listening.size, 0);
  });

  it('gathers messages during the pause that the subgraph asks for', async () => {
    const kit = polled(async () => answer({ pauseMs: 200 }));
    const stream = await kit.open();
    await kit.polls.atLeast(2);
    for (const n of [1, 2, 3]) await kit.liveBus.publish(TOPIC, n);
    const [, , third] = await kit.polls.atLeast(3);
    assert.equal(third?.messages.length, 3);
    await stream.return();
  });

  it('polls without a message when the subgraph asks for it, and when its own time has come', async () => {
    for (const [fields, pollMs] of [
      [{ againMs: 1 }, 60_000],
      [{}, 100],
    ] as const) {
      const kit = polled(async () => answer(fields), { pollMs });
      const stream = await kit.open();
      const polls = await kit.polls.atLeast(4);
      assert.ok(polls.every(({ messages }) => messages.length === 0));
      await stream.return();
    }
  });

  it('asks for no more than its reader takes', async () => {
    const kit = polled(async ({ position }) => {
      const n = Number(position ?? 0);
      return answer({
        results: Array.from({ length: 10 }, (_, i) => event(n + i)),
        position: n + 10,
        isMore: true,
      });
    });
    const stream = await kit.open();
    await kit.polls.atLeast(2);
    for (let n = 0; n < 4; n++) assert.deepEqual((await stream.next()).value, event(n));
    await new Promise(setImmediate);
    // Twenty came, four were taken.
    assert.equal(kit.polls.values.length, 2);
    for (let n = 4; n < 30; n++) assert.deepEqual((await stream.next()).value, event(n));
    await stream.return();
  });

  it('frees everything at once when its reader goes, also while a poll is under way', async () => {
    const kit = polled(async () => answer());
    const stream = await kit.open();
    await kit.polls.atLeast(2);
    kit.answer(
      (_poll, { signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    await kit.liveBus.publish(TOPIC, 1);
    await kit.polls.atLeast(3);
    const waiting = stream.next();
    await stream.return();
    assert.equal((await waiting).done, true);
    assert.equal(kit.requests.at(-1)?.signal.aborted, true);
    assert.equal(kit.liveBus.listening.size, 0);
    await kit.liveBus.publish(TOPIC, 2);
    assert.equal(kit.polls.values.length, 3);
  });

  it('ends with its client, and does not begin for a caller who is gone', async () => {
    const kit = polled(async () => answer());
    const stream = await kit.open();
    const waiting = stream.next();
    await kit.close();
    assert.equal((await waiting).done, true);
    assert.equal(kit.liveBus.listening.size, 0);
    await assert.rejects(kit.subscribe({ signal: AbortSignal.abort() }), { code: 'SUBGRAPH_UNAVAILABLE' });
  });

  it('says with every poll who asks as of then, and in its first one alone where that belongs in a trace', async () => {
    let signed = 0;
    const headers = {
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: 'a=b',
      get who() {
        return `ada ${(signed += 1)}`;
      },
    };
    const kit = polled(async () => answer());
    const stream = await kit.open({ headers });
    await kit.polls.atLeast(2);
    await kit.liveBus.publish(TOPIC, 1);
    await kit.polls.atLeast(3);
    const [first, ...later] = kit.requests.map((request) => request.headers);
    assert.ok(first?.['traceparent'] && first['tracestate']);
    for (const { traceparent, tracestate } of later)
      assert.deepEqual([traceparent, tracestate], [undefined, undefined]);
    const who = kit.requests.map((request) => request.headers['who']);
    assert.equal(new Set(who).size, 3);
    for (const request of kit.requests)
      assert.ok(isInternal(request.headers[INTERNAL_HEADER] ?? '', TEST_SECRET));
    await stream.return();
  });

  it('polls while the live bus is away, and listens once it is back', async () => {
    const bus = watchedBus();
    let isAway = true;
    const liveBus: LiveBus = {
      ...bus,
      subscribe: (topic) => (isAway ? Promise.reject(new Error('away')) : bus.subscribe(topic)),
    };
    const kit = polled(async () => answer(), { liveBus });
    const stream = await kit.open();
    await kit.polls.atLeast(2);
    isAway = false;
    // The second poll finds the bus back, and is followed by one for what happened meanwhile.
    await kit.polls.atLeast(3);
    assert.ok(bus.listening.has(TOPIC));
    await bus.publish(TOPIC, 'back');
    const polls = await kit.polls.atLeast(4);
    assert.deepEqual(polls[3]?.messages, [{ topic: TOPIC, payload: 'back' }]);
    await stream.return();
  });

  it('listens to other topics when the subgraph names others, and looks again behind that', async () => {
    const kit = polled(async ({ position }) =>
      answer({ topics: position === undefined ? ['a', 'b'] : ['b', 'c'], position: 1 }),
    );
    const stream = await kit.open();
    await kit.polls.atLeast(3);
    assert.deepEqual([...kit.liveBus.listening].sort(), ['b', 'c']);
    await stream.return();
  });

  it('shows results as the rules for errors of the subgraph say', async () => {
    const present = (result: FormattedExecutionResult) => ({ ...result, errors: [{ message: 'masked' }] });
    const kit = polled(async () => answer({ results: [event(1)], isOver: true }), { present });
    const stream = await kit.open();
    assert.deepEqual((await stream.next()).value, { ...event(1), errors: [{ message: 'masked' }] });
  });

  it('takes turns with others: no more polls of a subgraph are under way than may be', async () => {
    let underWay = 0;
    let most = 0;
    const kit = polled(
      async () => {
        most = Math.max(most, (underWay += 1));
        await new Promise(setImmediate);
        underWay -= 1;
        return answer();
      },
      { maxConcurrent: 2 },
    );
    const streams = await Promise.all(Array.from({ length: 10 }, () => kit.open()));
    await kit.polls.atLeast(20);
    await kit.liveBus.publish(TOPIC, 1);
    await kit.polls.atLeast(30);
    assert.equal(most, 2);
    await Promise.all(streams.map((stream) => stream.return()));
  });
});
