import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'graphql';
import { createPosition } from '../../../clients/realtime/event-log.ts';
import { RealtimeError } from '../../../clients/realtime/realtime-error.ts';

const event = (fields: object) => ({ log: fields });

describe('the position in a log', () => {
  test('is found under whatever name the document gives it', () => {
    const documents = [
      'subscription ($after: String) { log(after: $after) { at: cursor } }',
      'subscription ($after: String) { log(after: $after) { ... on Line { text at: cursor } } }',
      'subscription ($after: String) { ...Root } fragment Root on Subscription { log(after: $after) { ...Line } } fragment Line on Line { at: cursor }',
      'subscription ($after: String) { ... { events: log(since: $after) { at: cursor } } }',
      '# a { brace } in a comment\nsubscription Unicode ($after: String = "{") { log(name: "{💡}", after: $after) { at: cursor } }',
    ];
    for (const document of documents) {
      const position = createPosition(document, { after: 'c1', other: 7 });
      assert.doesNotThrow(() => parse(position.query));
      assert.deepEqual(position.begin(), { after: 'c1', other: 7 });
      assert.equal(position.take(event({ __typename: 'Line', at: 'c2' })), 'new', document);
      assert.deepEqual(position.begin(), { after: 'c2', other: 7 });
      assert.equal(position.take(event({ __typename: 'Line', at: 'c2' })), 'known', document);
    }
  });

  test('asks for the type of its events, and for nothing else', () => {
    const queryOf = (document: string) => createPosition(document, {}).query;
    const asking =
      'subscription ($after: String) { log(after: $after) { __typename  cursor text { cursor } } }';
    assert.equal(queryOf(asking.replace('__typename  ', '')), asking);
    assert.equal(queryOf(asking), asking, 'once');
  });

  test('is none where the field takes no $after, and the document stays as it is', () => {
    for (const document of [
      'subscription { ticks }',
      'subscription { log { cursor } }',
      'subscription { log(after: "c1") { cursor } }',
      'subscription ($after: String) { ticks { comments(after: $after) { cursor } } } # log(after: $after)',
    ]) {
      const position = createPosition(document, { after: 'c1' });
      assert.equal(position.query, document);
      assert.equal(position.take({ log: { cursor: 'c2' } }), 'new');
      assert.deepEqual(position.begin(), { after: 'c1' });
    }
  });

  test('stays where a field error has taken the event away', () => {
    const position = createPosition('subscription ($after: String) { log(after: $after) { cursor } }', {});
    assert.equal(position.take(event({ cursor: 'c1' })), 'new');
    for (const data of [null, { log: null }]) assert.equal(position.take(data), 'new');
    assert.deepEqual(position.begin(), { after: 'c1' });
  });

  test('cannot be had without a cursor, nor of a text that is no GraphQL', () => {
    const refusals = [
      ['subscription ($after: String) { log(after: $after) { text { cursor } } }', /has to select `cursor`/],
      [
        'subscription ($after: String) { ...A } fragment A on S { ...A log(after: $after) { ...B } } fragment B on L { ...B }',
        /has to select `cursor`/,
      ],
      ['subscription {', /Syntax Error/],
    ] as const;
    for (const [document, message] of refusals)
      assert.throws(
        () => createPosition(document, {}),
        (error) => error instanceof RealtimeError && error.remedy === 'none' && message.test(error.message),
      );
    const position = createPosition(
      'subscription ($after: String) { log(after: $after) { ... on Line { cursor } } }',
      {},
    );
    assert.throws(() => position.take(event({ __typename: 'Other' })), /has to select `cursor`/);
  });

  test('does not move with an event that stands for missed ones, unless there is nowhere to go back to', () => {
    const document =
      'subscription ($after: String) { log(after: $after) { cursor ... on R { why: reason } } }';
    const slow = event({ __typename: 'LiveResyncRequired', cursor: 'c9', why: 'SLOW_CONSUMER' });
    const position = createPosition(document, {});
    assert.equal(position.take(slow), 'new', 'whoever has no position loads anew');
    assert.deepEqual(position.begin(), { after: 'c9' });
    assert.equal(position.take({ log: { ...slow.log, cursor: 'c12' } }), 'missed');
    assert.deepEqual(position.begin(), { after: 'c9' });
    const named = event({ __typename: 'Renamed', cursor: 'c10', why: 'SLOW_CONSUMER' });
    assert.equal(position.take(named), 'new', 'what people write is no notice');
  });
});
