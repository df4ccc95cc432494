import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FormattedExecutionResult } from 'graphql';
import { isResultStream, type ResultStream } from '#platform/subgraph-endpoint.ts';
import { createResultStream } from '../../../gateway/engine/result-stream.ts';
import { createFeed } from '../../support/federation/feed.ts';
import { createTestGateway, testScope } from '../../support/federation/supergraph.ts';
import { survivors } from '../../support/garbage.ts';

const EVENTS = 500;
/** The last few may still be held by whoever read them. */
const FEW = 10;

/** Reads events and keeps none of them. */
async function readAll(stream: ResultStream, publish: (at: number) => void): Promise<WeakRef<object>[]> {
  const seen: WeakRef<object>[] = [];
  for (let at = 0; at < EVENTS; at += 1) {
    publish(at);
    const { value } = await stream.next();
    assert.ok(value?.data);
    seen.push(new WeakRef(value));
  }
  return seen;
}

test('a stream that goes on holds none of the events that were read from it', async () => {
  const next = async () => ({ value: { data: { text: 'x'.repeat(100) } } });
  const stream = createResultStream(next, async () => undefined, new AbortController().signal);
  const seen = await readAll(stream, () => undefined);
  assert.ok((await survivors(seen)) < FEW);
  await stream.return();
});

test('nor does a subscription, which waits for its events and for another supergraph', async () => {
  const feed = createFeed();
  const { engine } = createTestGateway(feed.subgraphs);
  const stream = await engine.subscribe(
    { query: 'subscription { posted { id author { name } } }' },
    testScope(),
  );
  assert.ok(isResultStream(stream));
  const seen = await readAll(stream, (at) => feed.publish(String(at), 'a'));
  assert.ok((await survivors(seen)) < FEW);
  await stream.return();
});

test('a stream that is ended while an event fails says that it is over, and nobody hears of the failure', async () => {
  const event = Promise.withResolvers<IteratorResult<FormattedExecutionResult, void>>();
  const asked = Promise.withResolvers<void>();
  const stream = createResultStream(
    () => (asked.resolve(), event.promise),
    async () => undefined,
    new AbortController().signal,
  );
  const waiting = stream.next();
  await asked.promise;
  await stream.return();
  event.reject(new Error('too late'));
  assert.equal((await waiting).done, true);
});
