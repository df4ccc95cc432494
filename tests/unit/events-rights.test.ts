import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CodedError, forbidden, Refusal } from '#platform/errors.ts';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import { createLiveQueue } from '#platform/events/live-queue.ts';
import { LiveStream } from '#platform/events/live-stream.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { Poll } from '#platform/polling/poll.ts';
import { lossOf, whileEntitled, type LiveRight, type RightOptions } from '#platform/events/rights.ts';
import { createProbe, silentLog } from '../support/events.ts';

const OVER = { done: true, value: undefined };
const NEVER_MS = 3_600_000;
const lost = () => new Refusal(forbidden('You were removed.'));

type Verdict = boolean | Error;

/** A stream of `source`, guarded by a right whose verdict the test sets. */
async function guard(
  given: Partial<RightOptions & LiveRight> & { readonly onCheck?: (looks: number) => Promise<unknown> } = {},
) {
  const {
    liveBus = memoryLiveBus(),
    topics = ['room:1'],
    poll = null,
    pollMs = NEVER_MS,
    concerns,
    onCheck,
  } = given;
  const freed = createProbe<string>();
  const source = createLiveQueue<string>(() => freed.add('source'));
  const abort = new AbortController();
  const checks = createProbe<Verdict>();
  const state: { verdict: Verdict } = { verdict: true };
  const check = async () => {
    const { verdict } = state;
    checks.add(verdict);
    await onCheck?.(checks.values.length);
    if (verdict instanceof Error) throw verdict;
    return verdict;
  };
  const right = { check, topics, ...(concerns && { concerns }) };
  const options = { liveBus, log: silentLog, signal: abort.signal, poll, pollMs };
  const open = () => whileEntitled(right, async () => source, options);
  return { open, liveBus, source, state, checks, freed, abort };
}

describe('a stream that needs a right', () => {
  it('is refused where there is none, with nothing left open', async () => {
    const { open, state, freed } = await guard();
    state.verdict = lost();
    await assert.rejects(open(), /You were removed/);
    assert.deepEqual(freed.values, ['source']);
  });

  it('is complete from the start where there is nothing to follow', async () => {
    const { open, state, freed } = await guard();
    state.verdict = false;
    assert.deepEqual(await (await open()).next(), OVER);
    assert.deepEqual(freed.values, ['source']);
  });

  it('ends with the reason as soon as a message makes it look, also while its reader waits', async () => {
    const { open, liveBus, source, state, freed } = await guard();
    const stream = await open();
    source.push('before');
    assert.equal((await stream.next()).value, 'before');
    const waiting = stream.next();
    state.verdict = lost();
    await liveBus.publish('room:1', null);
    await assert.rejects(waiting, /You were removed/);
    assert.deepEqual(freed.values, ['source']);
    assert.deepEqual(await stream.next(), OVER);
  });

  it('gives nothing of what still waits once the right is lost', async () => {
    const { open, liveBus, source, state, freed } = await guard();
    const stream = await open();
    for (const secret of ['one', 'two', 'three']) source.push(secret);
    state.verdict = lost();
    await liveBus.publish('room:1', null);
    await freed.atLeast(1);
    await assert.rejects(stream.next(), /You were removed/);
    assert.deepEqual(await stream.next(), OVER);
  });

  it('is complete, without an error, when there is nothing left to follow', async () => {
    const { open, liveBus, state } = await guard();
    const waiting = (await open()).next();
    state.verdict = false;
    await liveBus.publish('room:1', null);
    assert.deepEqual(await waiting, OVER);
  });

  it('looks for nothing at messages that do not concern it', async () => {
    const { open, liveBus, checks, state } = await guard({ concerns: (message) => message === 'mine' });
    const waiting = (await open()).next();
    state.verdict = lost();
    for (const message of ['theirs', 'mine']) await liveBus.publish('room:1', message);
    await assert.rejects(waiting, /You were removed/);
    assert.equal(checks.values.length, 2);
  });

  it('finds out by itself where the message was lost', async () => {
    const { open, state } = await guard({ pollMs: 1 });
    const keepAlive = setInterval(() => undefined, 1_000);
    const waiting = (await open()).next();
    state.verdict = lost();
    await assert.rejects(waiting, /You were removed/).finally(() => clearInterval(keepAlive));
  });

  it('notices a change that comes while it opens', async () => {
    const live: { bus: LiveBus | null } = { bus: null };
    const { open, liveBus, state } = await guard({
      // The verdict is made already when the change comes.
      onCheck: async (looks) => {
        if (looks > 1) return;
        state.verdict = lost();
        await live.bus?.publish('room:1', null);
      },
    });
    live.bus = liveBus;
    await assert.rejects((await open()).next(), /You were removed/);
  });

  it('looks once more after a look during which something changed, and never twice at a time', async () => {
    const gate = Promise.withResolvers<void>();
    let looking = 0;
    const { open, liveBus, checks, state } = await guard({
      onCheck: async (looks) => {
        looking += 1;
        assert.equal(looking, 1);
        if (looks === 2) await gate.promise;
        looking -= 1;
      },
    });
    const waiting = (await open()).next();
    await liveBus.publish('room:1', null);
    await checks.atLeast(2);
    state.verdict = lost();
    for (let count = 0; count < 5; count += 1) await liveBus.publish('room:1', null);
    gate.resolve();
    await assert.rejects(waiting, /You were removed/);
    assert.equal(checks.values.length, 3);
  });

  it('lasts while the right cannot be read, and looks again', async () => {
    const { open, liveBus, source, state, checks } = await guard({ pollMs: 1 });
    const stream = await open();
    state.verdict = new Error('no database');
    await liveBus.publish('room:1', null);
    await checks.atLeast(3);
    source.push('still here');
    assert.equal((await stream.next()).value, 'still here');
    await stream.return?.();
  });

  it('begins and ends without a live bus too', async () => {
    const down: LiveBus = {
      ...memoryLiveBus(),
      subscribe: () => Promise.reject(new CodedError('SERVICE_UNAVAILABLE', 'Redis is not connected.')),
    };
    const { open, state } = await guard({ liveBus: down, pollMs: 1 });
    const keepAlive = setInterval(() => undefined, 1_000);
    const waiting = (await open()).next();
    state.verdict = lost();
    await assert.rejects(waiting, /You were removed/).finally(() => clearInterval(keepAlive));
  });

  it('looks no more once it is over, whoever ended it', async () => {
    for (const how of ['return', 'abort', 'source'] as const) {
      const { open, liveBus, source, checks, abort, freed } = await guard();
      const stream = await open();
      const waiting = stream.next();
      if (how === 'return') await stream.return?.();
      else if (how === 'abort') abort.abort();
      else source.end();
      assert.deepEqual(await waiting, OVER);
      await liveBus.publish('room:1', null);
      assert.deepEqual([checks.values.length, freed.values], [1, ['source']], how);
      await liveBus.close();
    }
  });
});

describe('a polled subscription that needs a right', () => {
  const drained = async (stream: AsyncIterable<string>) => {
    const given: string[] = [];
    for await (const value of stream) given.push(value);
    return given;
  };

  it('is refused with the first poll, and asks to be polled for what may change the right', async () => {
    const poll = new Poll({ messages: [] });
    const { open, source, state } = await guard({ poll });
    source.push('first');
    const stream = await open();
    assert.equal((await stream.next()).value, 'first');
    assert.deepEqual(poll.outcome(true).topics, ['room:1']);
    state.verdict = lost();
    await assert.rejects(open(), /You were removed/);
  });

  it('gives what led up to the loss, then the reason; and the reason alone where nothing tells of the loss', async () => {
    const right = { topics: ['room:1'], check: () => Promise.reject(lost()) };
    const { signal } = new AbortController();
    const givenWhere = async (isLoss: (event: string) => boolean) => {
      const poll = new Poll({ messages: [], position: 1 });
      const step = (emit: string) => ({ emit, failure: isLoss(emit) ? lost() : null });
      const open = async () =>
        new LiveStream({ source: poll.give(['before', 'the loss', 'after']), step, signal });
      const options = { liveBus: memoryLiveBus(), log: silentLog, signal, poll };
      const given: string[] = [];
      await assert.rejects(async () => {
        for await (const value of await whileEntitled(right, open, options)) given.push(value);
      }, /You were removed/);
      return given;
    };
    assert.deepEqual(await givenWhere((event) => event === 'the loss'), ['before', 'the loss']);
    assert.deepEqual(await givenWhere(() => false), []);
  });

  it('gives what led up to a loss that comes between reading the log and looking at the right', async () => {
    const log = ['before'];
    const right = {
      topics: [],
      check: async () => {
        log.push('the loss', 'after');
        throw lost();
      },
    };
    const poll = new Poll({ messages: [], position: 1 });
    const { signal } = new AbortController();
    const freed = createProbe<string>();
    const step = (emit: string) => ({ emit, failure: emit === 'the loss' ? lost() : null });
    const release = () => freed.add('source');
    const open = async () => new LiveStream({ source: poll.give([...log]), step, release, signal });
    const stream = await whileEntitled(right, open, {
      liveBus: memoryLiveBus(),
      log: silentLog,
      signal,
      poll,
    });
    const given: string[] = [];
    await assert.rejects(async () => {
      for await (const value of stream) given.push(value);
    }, /You were removed/);
    assert.deepEqual(
      [given, freed.values],
      [
        ['before', 'the loss'],
        ['source', 'source'],
      ],
    );
  });

  it('is over with the poll after which there is nothing to follow', async () => {
    for (const position of [undefined, 1]) {
      const poll = new Poll({ messages: [], position });
      const options = {
        liveBus: memoryLiveBus(),
        log: silentLog,
        signal: new AbortController().signal,
        poll,
      };
      const right = { topics: [], check: () => Promise.resolve(false) };
      const given = await drained(await whileEntitled(right, async () => poll.give(['the last']), options));
      assert.deepEqual(given, position === undefined ? [] : ['the last']);
      assert.equal(poll.outcome(true).isOver, true);
    }
  });
});

describe('the loss of a right', () => {
  it('is what the check refuses with, and unknown where it fails', async () => {
    const refusal = lost();
    assert.equal(await lossOf(() => Promise.reject(refusal)), refusal);
    assert.equal(await lossOf(() => Promise.resolve(true)), null);
    await assert.rejects(
      lossOf(() => Promise.reject(new Error('no database'))),
      /no database/,
    );
  });
});
