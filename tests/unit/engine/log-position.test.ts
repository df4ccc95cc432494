import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buildSchema, getOperationAST, Kind, parse, print, validate, type DocumentNode } from 'graphql';
import { logPosition, type LogPosition } from '../../../gateway/engine/live/log-position.ts';
import { fragmentsOf } from '../../../gateway/engine/subscription-rules.ts';

const schema = buildSchema(/* GraphQL */ `
  scalar Cursor
  interface Event {
    cursor: Cursor!
    seq: Int!
  }
  type Said implements Event {
    cursor: Cursor!
    seq: Int!
    text(after: Cursor): String
  }
  type Gap implements Event {
    cursor: Cursor!
    seq: Int!
    reason: Reason!
  }
  enum Reason {
    SLOW_CONSUMER
  }
  type Line {
    cursor: Cursor!
  }
  type Query {
    nothing: Int
  }
  type Subscription {
    events(room: ID, after: Cursor): Event!
    strictEvents(after: Cursor!): Event!
    lines(after: Cursor): Line!
    ticks: Said!
    plain(after: Cursor): Int
  }
`);

function positionOf(query: string): LogPosition | null {
  const document = parse(query);
  assert.deepEqual(validate(schema, document), []);
  const operation = getOperationAST(document);
  assert.ok(operation);
  return logPosition(schema, { operation, fragments: fragmentsOf(document) });
}

/** The document that is planned, on one line; it has to be valid. */
function planned(query: string): string {
  const position = positionOf(query);
  assert.ok(position);
  const { operation, fragments } = position.planned;
  const document: DocumentNode = { kind: Kind.DOCUMENT, definitions: [operation, ...fragments.values()] };
  assert.deepEqual(validate(schema, document), [], print(document));
  return print(document).replace(/\s+/g, ' ');
}

const ADDED = 'position__cursor: cursor position__seq: seq';

describe('a subscription with a log', () => {
  test('takes its position by a variable of its own, wherever the client begins', () => {
    const expected = `subscription ($position: Cursor) { events(room: 1, after: $position) { cursor ${ADDED} } }`;
    for (const given of ['room: 1', 'room: 1, after: "c1"', 'after: null, room: 1'])
      assert.equal(planned(`subscription { events(${given}) { cursor } }`), expected);
    const strict = planned('subscription { strictEvents(after: "c1") { cursor } }');
    assert.match(strict, /^subscription \(\$position: Cursor!\)/);
  });

  test('also where that name is taken, and the position of the client stands elsewhere, too', () => {
    const query = planned(
      'subscription ($position: Cursor) { events(after: $position) { ... on Said { text(after: $position) } } }',
    );
    assert.match(query, /\$position: Cursor, \$position_: Cursor/);
    assert.match(query, /events\(after: \$position_\).* text\(after: \$position\)/);
  });

  test('in whatever fragments its field stands, every time', () => {
    const query = planned(
      `subscription { ...Root ...Root2 }
       fragment Root on Subscription { events(after: "c1") { cursor } }
       fragment Root2 on Subscription { events(after: "c1") { ... on Said { text(after: "own") } } }`,
    );
    assert.equal(query.match(/events\(after: \$position\)/g)?.length, 2);
    assert.equal(query.split(ADDED).length, 3);
    assert.match(query, /text\(after: "own"\)/);
  });

  test('tells where the client wants to begin', () => {
    const startOf = (query: string, variables = {}) => positionOf(query)?.startOf(variables);
    assert.equal(startOf('subscription { events { seq } }'), undefined);
    assert.equal(startOf('subscription { events(after: null) { seq } }'), null);
    assert.equal(startOf('subscription { events(after: "c1") { seq } }'), 'c1');
    const byVariable = 'subscription ($from: Cursor = "c2") { events(after: $from) { seq } }';
    assert.equal(startOf(byVariable), 'c2');
    assert.equal(startOf(byVariable, { from: 'c3' }), 'c3');
    assert.equal(startOf(byVariable, { from: null }), null);
  });

  test('knows the variable that says nothing but where to begin', () => {
    const variableOf = (query: string) => positionOf(query)?.startVariable;
    assert.equal(variableOf('subscription ($from: Cursor) { events(after: $from) { seq } }'), 'from');
    assert.equal(variableOf('subscription { events(after: "c1") { seq } }'), null);
    const elsewhere =
      'subscription ($from: Cursor) { events(after: $from) { ... on Said { text(after: $from) } } }';
    assert.equal(variableOf(elsewhere), null);
  });

  test('has a word for missed events where one of its types has a reason for that', () => {
    assert.equal(positionOf('subscription { events { seq } }')?.notice?.name, 'Gap');
    assert.equal(positionOf('subscription { lines { cursor } }')?.notice, null);
  });

  test('is none without `after`, or without a cursor', () => {
    assert.equal(positionOf('subscription { ticks { cursor } }'), null);
    assert.equal(positionOf('subscription { plain(after: "c1") }'), null);
  });
});
