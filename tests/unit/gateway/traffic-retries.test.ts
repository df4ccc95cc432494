import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { RetryOptions } from '../../../gateway/traffic/retries.ts';
import { NotSentError } from '../../../gateway/traffic/refusal.ts';
import { withAttempts } from './attempts.ts';
import { fetchOf, MUTATION, sends, startScriptedSubgraph, type Script } from './scripted-subgraph.ts';

const subgraph = await startScriptedSubgraph();
const OVERLOADED = sends('', 503);

describe('retries', () => {
  let pauses: number[] = [];
  beforeEach(() => {
    pauses = [];
    subgraph.requests.length = 0;
  });
  const clientOf = (options: Partial<RetryOptions> = {}, client = subgraph.client) =>
    withAttempts(client, {
      retries: {
        attempts: 3,
        baseDelayMs: 100,
        maxDelayMs: 1_000,
        budgetRatio: 0.2,
        budgetMax: 10,
        random: () => 0.5,
        pause: async (ms) => void pauses.push(ms),
        ...options,
      },
    });
  const failsTimes = (count: number, failure: Script): void => {
    let failed = 0;
    subgraph.answerWith((request, response) =>
      (failed++ < count ? failure : sends('{"data":{"a":1}}'))(request, response),
    );
  };

  test('asks again after pauses that double, and answers as if nothing had been', async () => {
    failsTimes(2, OVERLOADED);
    let retried = 0;
    const client = clientOf({ onRetry: () => (retried += 1) });
    assert.deepEqual(await client.fetch(fetchOf()), { data: { a: 1 } });
    assert.deepEqual([pauses, retried, subgraph.requests.length], [[50, 100], 2, 3]);
  });

  test('gives up after the last attempt with what the subgraph did', async () => {
    failsTimes(9, OVERLOADED);
    await assert.rejects(clientOf().fetch(fetchOf()), { code: 'SUBGRAPH_UNAVAILABLE' });
    assert.equal(subgraph.requests.length, 3);
  });

  test('asks again where the connection broke, also half way through the answer', async () => {
    failsTimes(1, (request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"data":', () => request.socket.destroy());
    });
    assert.deepEqual(await clientOf().fetch(fetchOf()), { data: { a: 1 } });
  });

  test('asks again where an overload is told in GraphQL', async () => {
    failsTimes(1, sends('{"errors":[{"message":"busy"}]}', 503));
    assert.deepEqual(await clientOf().fetch(fetchOf()), { data: { a: 1 } });
  });

  test('never repeats a mutation, which may have been carried out', async () => {
    failsTimes(1, (request) => request.socket.destroy());
    await assert.rejects(clientOf().fetch(MUTATION), { code: 'SUBGRAPH_UNAVAILABLE' });
    assert.equal(subgraph.requests.length, 1);
  });

  test('takes GraphQL errors, a limit of the caller and nonsense for the answers that they are', async () => {
    for (const script of [
      sends('{"errors":[{"message":"no"}]}'),
      sends('{"errors":[{"message":"slow down"}]}', 429),
    ]) {
      subgraph.answerWith(script);
      assert.equal((await clientOf().fetch(fetchOf())).errors?.length, 1);
    }
    subgraph.answerWith(sends('<html>'));
    await assert.rejects(clientOf().fetch(fetchOf()), { code: 'SUBGRAPH_ERROR' });
    assert.equal(subgraph.requests.length, 3);
  });

  test('waits as long as Retry-After asks for, and not at all where that is too long', async () => {
    failsTimes(1, sends('', 503, { 'retry-after': '1' }));
    await clientOf().fetch(fetchOf());
    assert.deepEqual(pauses, [1_000]);
    failsTimes(1, sends('', 503, { 'retry-after': '2' }));
    await assert.rejects(clientOf().fetch(fetchOf()), { details: { retryAfterMs: 2_000 } });
    const past = new Date(Date.now() - 60_000).toUTCString();
    failsTimes(1, sends('', 503, { 'retry-after': past }));
    await clientOf().fetch(fetchOf());
    assert.deepEqual(pauses, [1_000, 50]);
  });

  test('keeps to its budget: an overloaded subgraph gets a share more, not a multiple', async () => {
    failsTimes(Infinity, OVERLOADED);
    const client = clientOf({ budgetMax: 2, budgetRatio: 0.25 });
    for (let i = 0; i < 40; i++) await assert.rejects(client.fetch(fetchOf()));
    // Two are saved up at the start; 40 requests earn ten more, the first of which the full purse cannot hold.
    assert.equal(subgraph.requests.length, 40 + 2 + 9);
  });

  test('asks no more once the caller has gone, and says why the subgraph failed', async () => {
    failsTimes(9, OVERLOADED);
    const controller = new AbortController();
    const client = clientOf({
      pause: async (_ms, signal) => {
        controller.abort();
        signal.throwIfAborted();
      },
    });
    await assert.rejects(client.fetch(fetchOf({ signal: controller.signal })), {
      code: 'SUBGRAPH_UNAVAILABLE',
    });
    assert.equal(subgraph.requests.length, 1);
  });

  test('does not repeat what the gateway itself refused to send', async () => {
    let asked = 0;
    const client = clientOf(
      {},
      {
        ...subgraph.client,
        fetch: async () => {
          asked += 1;
          throw new NotSentError('The queue is full.');
        },
      },
    );
    await assert.rejects(client.fetch(fetchOf()), NotSentError);
    assert.equal(asked, 1);
  });
});
