import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { CodedError } from '#platform/errors.ts';
import type { BreakerState } from '../../../gateway/traffic/breaker.ts';
import { withAttempts } from './attempts.ts';
import { fetchOf, heldAnswers, sends, startScriptedSubgraph } from './scripted-subgraph.ts';

const subgraph = await startScriptedSubgraph();
const GOOD = sends('{"data":{"a":1}}');
const BAD = sends('oops', 500);

describe('the circuit breaker', () => {
  let nowMs = 0;
  let states: BreakerState[] = [];
  beforeEach(() => {
    nowMs = 0;
    states = [];
    subgraph.requests.length = 0;
  });
  const clientOf = () =>
    withAttempts(subgraph.client, {
      breaker: {
        windowMs: 1_000,
        failureRatio: 0.5,
        minimumRequests: 4,
        openMs: 500,
        halfOpenProbes: 2,
        onState: (state) => states.push(state),
        now: () => nowMs,
      },
    });
  type Client = ReturnType<typeof clientOf>;
  const ask = async (client: Client, script = GOOD) => {
    subgraph.answerWith(script);
    return client.fetch(fetchOf()).then(
      () => 'answered',
      ({ message }: Error) => (message.includes('left alone') ? 'refused' : 'failed'),
    );
  };
  const open = async () => {
    const client = clientOf();
    for (let i = 0; i < 4; i++) await ask(client, BAD);
    return client;
  };

  test('opens once enough requests failed, and then sends nothing and says for how long', async () => {
    const client = clientOf();
    assert.deepEqual(
      [await ask(client, BAD), await ask(client, BAD), await ask(client, BAD)],
      ['failed', 'failed', 'failed'],
    );
    assert.deepEqual(states, []);
    await ask(client, BAD);
    nowMs += 100;
    await assert.rejects(client.fetch(fetchOf()), {
      code: 'SUBGRAPH_UNAVAILABLE',
      details: { retryAfterMs: 400 },
    });
    assert.deepEqual([states, subgraph.requests.length], [['open'], 4]);
  });

  test('stays closed below its ratio, and forgets what lies behind its window', async () => {
    const client = clientOf();
    for (const script of [GOOD, GOOD, GOOD, BAD, BAD]) await ask(client, script);
    nowMs += 1_001;
    for (const script of [BAD, BAD, BAD]) await ask(client, script);
    assert.deepEqual(states, []);
  });

  test('tries a few requests when its time is over, and closes when all of them succeed', async () => {
    const client = await open();
    nowMs += 500;
    const held = heldAnswers();
    subgraph.answerWith(held.script);
    const arrived = subgraph.nextRequest();
    const first = client.fetch(fetchOf());
    await arrived;
    const secondArrived = subgraph.nextRequest();
    const second = client.fetch(fetchOf());
    await secondArrived;
    await assert.rejects(client.fetch(fetchOf()), /left alone/);
    held.release();
    held.release();
    await Promise.all([first, second]);
    assert.deepEqual(states, ['open', 'half-open', 'closed']);
    assert.equal(await ask(client), 'answered');
  });

  test('opens again where a probe fails', async () => {
    const client = await open();
    nowMs += 500;
    assert.equal(await ask(client, BAD), 'failed');
    assert.equal(await ask(client), 'refused');
    assert.deepEqual(states, ['open', 'half-open', 'open']);
  });

  test('a probe whose caller left gives its place to another', async () => {
    const client = await open();
    nowMs += 500;
    for (let i = 0; i < 3; i++) {
      const gone = new AbortController();
      subgraph.answerWith(() => gone.abort());
      await assert.rejects(client.fetch(fetchOf({ signal: gone.signal })));
    }
    assert.deepEqual([await ask(client), await ask(client)], ['answered', 'answered']);
    assert.equal(states.at(-1), 'closed');
  });

  test('callers who leave open nothing, deadlines that pass do, errors in answers do not', async () => {
    const cut = async (client: Client, reason?: Error) => {
      const gone = new AbortController();
      subgraph.answerWith(() => gone.abort(reason));
      await assert.rejects(client.fetch(fetchOf({ signal: gone.signal })));
    };
    const client = clientOf();
    for (let i = 0; i < 6; i++) await cut(client);
    for (let i = 0; i < 6; i++) await ask(client, sends('{"errors":[{"message":"no"}]}'));
    assert.deepEqual(states, []);
    for (let i = 0; i < 6; i++) await cut(client, new CodedError('SUBGRAPH_TIMEOUT', 'late'));
    assert.deepEqual(states, ['open']);
  });

  test('what began before it opened does not close it', async () => {
    const client = clientOf();
    const held = heldAnswers();
    subgraph.answerWith(held.script);
    const arrived = subgraph.nextRequest();
    const early = client.fetch(fetchOf());
    await arrived;
    for (let i = 0; i < 4; i++) await ask(client, BAD);
    nowMs += 500;
    assert.equal(await ask(client), 'answered');
    held.release();
    await early;
    assert.deepEqual(states, ['open', 'half-open']);
  });
});
