import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLiveQueue, type LiveQueue } from '#platform/events/live-queue.ts';
import { endedStream, LiveStream, type Step } from '#platform/events/live-stream.ts';

interface Scene {
  readonly source: LiveQueue<number>;
  readonly stream: LiveStream<number, string>;
  readonly abort: AbortController;
  /** What was freed, in order. */
  readonly freed: string[];
}

function open(step: (item: number) => Step<string> | Promise<Step<string>>): Scene {
  const freed: string[] = [];
  const source = createLiveQueue<number>(() => freed.push('source'));
  const abort = new AbortController();
  const release = () => void freed.push('release');
  return { source, abort, freed, stream: new LiveStream({ source, step, release, signal: abort.signal }) };
}

const OVER = { done: true, value: undefined };
const odd = (item: number): Step<string> => (item % 2 === 1 ? { emit: `odd ${item}` } : {});

describe('a live stream', () => {
  it('passes on what the step makes of each item, and skips the rest', async () => {
    const { source, stream } = open(odd);
    for (const item of [1, 2, 3]) source.push(item);
    assert.deepEqual(await stream.next(), { done: false, value: 'odd 1' });
    assert.deepEqual(await stream.next(), { done: false, value: 'odd 3' });
  });

  it('ends behind the item that the step calls the last', async () => {
    const { source, stream, freed } = open((item) => ({ emit: `${item}`, last: item === 2 }));
    for (const item of [1, 2, 3]) source.push(item);
    const found = [];
    for await (const value of stream) found.push(value);
    assert.deepEqual(found, ['1', '2']);
    assert.deepEqual(freed, ['release', 'source']);
  });

  it('ends at once while a reader waits, by return() or by its signal, and frees everything once', async () => {
    for (const end of ['return', 'abort'] as const) {
      const { stream, abort, freed } = open(odd);
      const waiting = stream.next();
      if (end === 'return') assert.deepEqual(await stream.return(), OVER);
      else abort.abort();
      assert.deepEqual(await waiting, OVER);
      assert.deepEqual(await stream.next(), OVER);
      await stream.return();
      assert.deepEqual(freed, ['release', 'source']);
    }
  });

  it('gives nothing where its signal was aborted before, and frees what it was given', async () => {
    const freed: string[] = [];
    const source = createLiveQueue<number>(() => freed.push('source'));
    source.push(1);
    const stream = new LiveStream({ source, step: odd, signal: AbortSignal.abort() });
    assert.deepEqual(await stream.next(), OVER);
    assert.deepEqual(freed, ['source']);
  });

  it('holds back an item whose step ends after the stream', async () => {
    const answer = Promise.withResolvers<Step<string>>();
    const asked = Promise.withResolvers<void>();
    const { source, stream } = open(() => {
      asked.resolve();
      return answer.promise;
    });
    source.push(1);
    const waiting = stream.next();
    await asked.promise;
    await stream.return();
    answer.resolve({ emit: 'too late' });
    assert.deepEqual(await waiting, OVER);
  });

  it('ends with the error of a step that fails, and frees everything', async () => {
    const { source, stream, freed } = open(() => Promise.reject(new Error('no database')));
    source.push(1);
    await assert.rejects(stream.next(), /no database/);
    assert.deepEqual(freed, ['release', 'source']);
    assert.deepEqual(await stream.next(), OVER);
  });

  it('gives the reason with which a step ends it behind what that step emits, once', async () => {
    const { source, stream, freed } = open((item) => ({
      emit: `${item}`,
      failure: item === 2 ? new Error('removed') : null,
    }));
    for (const item of [1, 2, 3]) source.push(item);
    assert.deepEqual([(await stream.next()).value, (await stream.next()).value], ['1', '2']);
    await assert.rejects(stream.next(), /removed/);
    assert.deepEqual(freed, ['release', 'source']);
    assert.deepEqual(await stream.next(), OVER);
  });

  it('ends from outside at once, with a reason for one reader or without', async () => {
    const { stream, freed } = open(odd);
    const waiting = [stream.next(), stream.next()];
    stream.end(new Error('removed'));
    stream.end(new Error('too late'));
    await assert.rejects(waiting[0]!, /removed/);
    assert.deepEqual([await waiting[1], await stream.next()], [OVER, OVER]);
    assert.deepEqual(freed, ['release', 'source']);
    const other = open(odd).stream;
    other.end();
    assert.deepEqual(await other.next(), OVER);
    const left = open(odd).stream;
    left.end(new Error('nobody reads it'));
    await left.return();
    assert.deepEqual(await left.next(), OVER);
  });

  it('keeps an event to itself that comes with the end of the right to it', async () => {
    const answer = Promise.withResolvers<Step<string>>();
    const asked = Promise.withResolvers<void>();
    const { source, stream } = open(() => {
      asked.resolve();
      return answer.promise;
    });
    source.push(1);
    const waiting = stream.next();
    await asked.promise;
    stream.end(new Error('removed'));
    answer.resolve({ emit: 'secret' });
    await assert.rejects(waiting, /removed/);
  });

  it('that is over from the start has nothing to give', async () => {
    assert.deepEqual(await endedStream<number>().next(), OVER);
  });
});
