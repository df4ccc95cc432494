import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isResultStream } from '#platform/subgraph-endpoint.ts';
import type { Grants } from '../../../gateway/engine/authorization/grants.ts';
import { createFeed } from '../../support/federation/feed.ts';
import { readParts } from '../../support/federation/incremental.ts';
import {
  composeSupergraph,
  createTestGateway,
  type TestSubgraphs,
} from '../../support/federation/supergraph.ts';
import { ANYBODY, same, scoped, scopeOf, SIGNED_IN, start, unauthorized } from './authorization-kit.ts';

/** Posts whose readers have to be signed in to see a reader's headers; nobody may read `cursor` but auditors. */
function guardedFeed() {
  const feed = createFeed();
  let cursors = 0;
  const { feed: posts, names } = feed.subgraphs;
  assert.ok(posts && names);
  const subgraphs: TestSubgraphs = {
    feed: {
      ...posts,
      typeDefs: posts.typeDefs
        .replace('posted(fail: Boolean)', 'posted(fail: Boolean, after: String)')
        .replace('other: Int', 'other: Int @authenticated')
        .replace('headers: String', 'headers: String cursor: String @requiresScopes(scopes: [["audit"]])'),
      resolvers: { ...posts.resolvers, Post: { cursor: () => `c${(cursors += 1)}` } },
    },
    names: { ...names, typeDefs: names.typeDefs.replace('name: String!', 'name: String! @authenticated') },
  };
  const gateway = createTestGateway(subgraphs);
  const subscribe = (query: string, grants: Grants | undefined) =>
    gateway.engine.subscribe({ query }, scopeOf(grants));
  const open = async (query: string, grants: Grants | undefined) => {
    const stream = await subscribe(query, grants);
    assert.ok(isResultStream(stream), JSON.stringify(stream));
    return stream;
  };
  return { ...gateway, ...feed, subgraphs, subscribe, open, cursorsRead: () => cursors };
}

describe('a subscription', () => {
  const QUERY = 'subscription { posted { id author { id name } } }';

  test('is refused where its root field must not be seen', async () => {
    const { subscribe } = guardedFeed();
    same(await subscribe('subscription { o: other }', ANYBODY), { errors: [unauthorized('o')] });
    same(await subscribe('subscription { ...F } fragment F on Subscription { other }', ANYBODY), {
      errors: [unauthorized('other')],
    });
  });

  test('completes each of its events without what must not be seen', async () => {
    const { open, publish, fetches } = guardedFeed();
    const stream = await open(QUERY, ANYBODY);
    for (const id of ['1', '2']) {
      publish(id, 'a');
      // A name must not be null, an author may.
      same((await stream.next()).value, {
        errors: [unauthorized('posted', 'author', 'name')],
        data: { posted: { id, author: null } },
      });
    }
    assert.deepEqual(fetches, []);
    await stream.return();
  });

  test('is shared by those who may see the same, and by nobody else', async () => {
    const { engine, open, publish } = guardedFeed();
    const streams = await Promise.all([ANYBODY, SIGNED_IN, SIGNED_IN].map((grants) => open(QUERY, grants)));
    assert.equal(engine.liveCounts().groups, 2);
    publish('1', 'a');
    const events = await Promise.all(streams.map((stream) => stream.next()));
    const author = { id: 'a', name: 'Ada' };
    same(
      events.map(({ value }) => value?.data),
      [null, author, author].map((seen) => ({ posted: { id: '1', author: seen } })),
    );
    await Promise.all(streams.map((stream) => stream.return()));
  });

  const guardAnew = ({ engine, subgraphs }: ReturnType<typeof guardedFeed>) => {
    const { names } = subgraphs;
    assert.ok(names);
    const typeDefs = names.typeDefs.replace('@authenticated', '@requiresScopes(scopes: [["names"]])');
    engine.swap(composeSupergraph({ ...subgraphs, names: { ...names, typeDefs } }));
  };

  test('goes on without what must not be seen any more once the supergraph is replaced', async () => {
    const feed = guardedFeed();
    const stream = await feed.open('subscription { posted { author { seen name } } }', SIGNED_IN);
    guardAnew(feed);
    feed.publish('1', 'a');
    same((await stream.next()).value, {
      errors: [unauthorized('posted', 'author', 'name')],
      data: { posted: { author: null } },
    });
    await stream.return();
  });

  test('ends then where it would have to ask for other events', async () => {
    const feed = guardedFeed();
    const stream = await feed.open(QUERY, SIGNED_IN);
    guardAnew(feed);
    const { value } = await stream.next();
    same(value?.errors?.[0]?.extensions, { code: 'UNAUTHORIZED_FIELD_OR_TYPE' });
    assert.equal((await stream.next()).done, true);
  });

  test('does not read the position of its events where that must not be seen', async () => {
    const { open, publish, cursorsRead } = guardedFeed();
    const query = 'subscription { posted { id } }';
    for (const [grants, reads] of [
      [ANYBODY, 0],
      [scoped('audit'), 1],
    ] as const) {
      const stream = await open(query, grants);
      publish('1', 'a');
      same((await stream.next()).value, { data: { posted: { id: '1' } } });
      assert.equal(cursorsRead(), reads);
      await stream.return();
    }
  });
});

const THINGS = {
  a: {
    typeDefs: `type Query { thing: Thing open: String } type Mutation { make: Thing @authenticated }
      type Thing @key(fields: "id") { id: ID! }`,
    resolvers: {
      Query: { thing: () => ({ id: '1' }), open: () => 'open' },
      Mutation: { make: () => assert.fail('must not run') },
    },
  },
  b: {
    typeDefs: `type Thing @key(fields: "id") { id: ID! secret: String @authenticated sure: String! @authenticated
      size: Int }`,
    resolvers: { Thing: { secret: () => 's', sure: () => '!', size: () => 3 } },
  },
};

describe('a deferred part', () => {
  const { engine, sent } = start(THINGS);
  const ask = async (query: string, grants: Grants | undefined, variables = {}) =>
    readParts(await engine.executeInParts({ query, variables }, scopeOf(grants)));

  test('comes without what must not be seen, and tells of it', async () => {
    const { initial, payloads } = await ask(
      '{ thing { id ... @defer(label: "x") { size secret } } }',
      ANYBODY,
    );
    same(initial, { data: { thing: { id: '1' } } });
    same(payloads, [
      {
        errors: [unauthorized('thing', 'secret')],
        data: { size: 3, secret: null },
        path: ['thing'],
        label: 'x',
      },
    ]);
    assert.doesNotMatch(sent().join(), /secret/);
  });

  test('comes though nothing of it may be seen, or as null', async () => {
    const query = 'query ($on: Boolean!) { thing { id ... @defer { secret sure @include(if: $on) } } }';
    const shown = await ask(query, ANYBODY, { on: false });
    same(shown.payloads, [
      { errors: [unauthorized('thing', 'secret')], data: { secret: null }, path: ['thing'] },
    ]);
    const hidden = await ask(query, ANYBODY, { on: true });
    same(hidden.payloads[0]?.data, null);
    same(hidden.data, { thing: { id: '1' } });
    const whole = await ask(query, SIGNED_IN, { on: true });
    same(whole.data, { thing: { id: '1', secret: 's', sure: '!' } });
  });

  test('is not held back by what is withheld around it', async () => {
    const { initial, payloads } = await ask('{ thing { secret ... @defer { size } } }', ANYBODY);
    same(initial, { errors: [unauthorized('thing', 'secret')], data: { thing: { secret: null } } });
    same(payloads, [{ data: { size: 3 }, path: ['thing'] }]);
  });
});

describe('where unauthorized operations are rejected', () => {
  const { engine, ask, sent } = start(THINGS, { rejectUnauthorized: true });

  test('one that asks for what must not be seen is refused as a whole, with every path', async () => {
    const query = '{ open t: thing { size ...F } } fragment F on Thing { secret s: sure }';
    same(await ask(query, ANYBODY), { errors: [unauthorized('t', 'secret'), unauthorized('t', 's')] });
    same(await ask('mutation { make { size } }', ANYBODY), { errors: [unauthorized('make')] });
    same(sent(), []);
    same(await ask(query, SIGNED_IN), { data: { open: 'open', t: { size: 3, secret: 's', s: '!' } } });
  });

  test('one that may ask for it under other conditions runs', async () => {
    const query = `query ($a: Boolean = false, $b: Boolean!) {
      open thing @include(if: $a) { size secret @skip(if: $b) } }`;
    const thing = { size: 3 };
    same((await ask(query, ANYBODY, { b: true })).data, { open: 'open' });
    same((await ask(query, ANYBODY, { b: false })).data, { open: 'open' });
    same((await ask(query, ANYBODY, { a: true, b: true })).data, { open: 'open', thing });
    same(await ask(query, ANYBODY, { a: true, b: false }), { errors: [unauthorized('thing', 'secret')] });
    same(await ask('{ open thing { size sure @include(if: false) } }', ANYBODY), {
      data: { open: 'open', thing: { size: 3 } },
    });
  });

  test('one in parts is refused, too', async () => {
    const query = '{ open ... @defer { thing { secret } } }';
    same(await engine.executeInParts({ query }, scopeOf(ANYBODY)), {
      errors: [unauthorized('thing', 'secret')],
    });
  });

  test('long ones are not answered with more errors than anybody reads', async () => {
    const query = `{ ${Array.from({ length: 50 }, (_, n) => `t${n}: thing { secret }`).join(' ')} }`;
    assert.equal((await ask(query, ANYBODY)).errors?.length, 20);
  });
});
