import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sayings } from '../support/federation/sayings.ts';
import { seededRandom } from '../support/random.ts';
import type { SubscribingClient } from '../support/subscribing-clients.ts';

export interface SubscribingClientSetup {
  /** What the gateway's subgraphs serve. */
  readonly sayings: Sayings;
  /** The client under test. */
  client(): SubscribingClient;
  /** Makes topics of their own. */
  readonly name: string;
  /** Whether it reads why its request was refused, and not that alone. */
  readonly seesRefusals: boolean;
}

const SAID = `subscription Said($topic: ID!, $after: String) {
  said(topic: $topic, after: $after) { __typename cursor text by { __typename name } }
}`;
const WITH_TASTE = 'subscription WithTaste($topic: ID!) { said(topic: $topic) { __typename text taste } }';
const EVENTS = 200;

const heard = (cursor: number, text: string) => ({
  kind: 'event',
  data: {
    said: {
      __typename: 'Saying',
      cursor: String(cursor),
      text,
      by: { __typename: 'Person', name: 'Name of ada' },
    },
  },
  codes: [],
});

/** What every client of subscriptions must find, whatever it speaks. */
export function subscribingClientContract({
  sayings,
  client,
  name,
  seesRefusals,
}: SubscribingClientSetup): void {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

  test(`hears everything once and in order, with what other subgraphs know of it (SEED=${seed})`, async () => {
    const topic = `order ${name}`;
    const random = seededRandom(seed);
    const listening = client().listen(SAID, { topic });
    await sayings.untilHeardBy(topic, 1);
    for (let at = 1; at <= EVENTS; at += 1) {
      sayings.say(topic, `text ${at}`);
      if (random() < 0.1) await new Promise((resolve) => setImmediate(resolve));
    }
    for (let at = 1; at <= EVENTS; at += 1)
      assert.deepEqual(await listening.next(), heard(at, `text ${at}`), `event ${at}`);
    listening.stop();
    await sayings.untilHeardBy(topic, 0);
  });

  test('runs several at the same time, each with its own events, and frees what it lets go', async () => {
    const topics = ['a', 'b', 'c'].map((each) => `${each} of ${name}`);
    const all = topics.map((topic) => client().listen(SAID, { topic }));
    for (const topic of topics) await sayings.untilHeardBy(topic, 1);
    const [a, b, c] = topics as [string, string, string];
    sayings.say(b, 'to b');
    assert.deepEqual(await all[1]?.next(), heard(1, 'to b'));
    all[0]?.stop();
    await sayings.untilHeardBy(a, 0);
    sayings.say(c, 'to c');
    sayings.say(b, 'to b again');
    assert.deepEqual(await all[2]?.next(), heard(1, 'to c'));
    assert.deepEqual(await all[1]?.next(), heard(2, 'to b again'));
    for (const listening of all) listening.stop();
    for (const topic of topics) await sayings.untilHeardBy(topic, 0);
  });

  test('is told when there will be nothing more', async () => {
    const topic = `end of ${name}`;
    const listening = client().listen(SAID, { topic });
    await sayings.untilHeardBy(topic, 1);
    sayings.say(topic, 'the last one');
    assert.deepEqual(await listening.next(), heard(1, 'the last one'));
    sayings.end(topic);
    assert.deepEqual(await listening.next(), { kind: 'complete' });
  });

  test('goes on behind a cursor', async () => {
    const topic = `log of ${name}`;
    for (const text of ['one', 'two', 'three']) sayings.say(topic, text);
    const listening = client().listen(SAID, { topic, after: '1' });
    assert.deepEqual(await listening.next(), heard(2, 'two'));
    assert.deepEqual(await listening.next(), heard(3, 'three'));
    listening.stop();
    await sayings.untilHeardBy(topic, 0);
  });

  test('is told what has failed of an event, with the rest of it, and hears the next one', async () => {
    const topic = `taste of ${name}`;
    const listening = client().listen(WITH_TASTE, { topic });
    await sayings.untilHeardBy(topic, 1);
    for (const text of ['sour', 'other']) sayings.say(topic, text);
    const failed = { said: { __typename: 'Saying', text: 'sour', taste: null } };
    assert.deepEqual(await listening.next(), { kind: 'event', data: failed, codes: ['TASTELESS'] });
    const whole = { said: { __typename: 'Saying', text: 'other', taste: 'sweet' } };
    assert.deepEqual(await listening.next(), { kind: 'event', data: whole, codes: [] });
    listening.stop();
    await sayings.untilHeardBy(topic, 0);
  });

  test('is told why a subscription is refused, by its subgraph or because it is not valid', async () => {
    for (const [query, code] of [
      [SAID, 'FORBIDDEN'],
      ['subscription { missing }', seesRefusals ? 'GRAPHQL_VALIDATION_FAILED' : '400'],
    ] as const) {
      const refused = await client().listen(query, { topic: 'secret' }).next();
      assert.notEqual(refused.kind, 'complete');
      assert.deepEqual('codes' in refused && refused.codes, [code], JSON.stringify(refused));
    }
  });
}
