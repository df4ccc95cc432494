import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestGateway, resultOf } from '../../support/federation/supergraph.ts';

const SUBGRAPHS = {
  old: {
    typeDefs: `type Query { thing: Thing } type Thing @key(fields: "id") { id: ID! price: String weight: String }`,
    resolvers: { Query: { thing: () => ({ id: '1', price: 'old', weight: 'old' }) } },
  },
  new: {
    typeDefs: `type Thing @key(fields: "id") { id: ID! price: String @override(from: "old", label: "percent(20)")
      weight: String @override(from: "old", label: "beta") }`,
    resolvers: { Thing: { price: () => 'new', weight: () => 'new' } },
  },
};
const QUERY = '{ thing { price weight } }';

const start = (share: () => number) =>
  createTestGateway(SUBGRAPHS, undefined, {
    random: share,
    overrideLabels: ({ headers }) => new Set(headers['x-beta'] ? ['beta'] : []),
  });

test('percent(n) moves that share of requests, each decided once', async () => {
  let share = 0.19;
  let decisions = 0;
  const { query } = start(() => ((decisions += 1), share));
  assert.deepEqual(await query(QUERY), { data: { thing: { price: 'new', weight: 'old' } } });
  share = 0.2;
  assert.deepEqual(await query(QUERY), { data: { thing: { price: 'old', weight: 'old' } } });
  share = 0.19;
  assert.deepEqual(await query(QUERY), { data: { thing: { price: 'new', weight: 'old' } } });
  assert.equal(decisions, 3);
});

test('named labels hold for the requests that the hook gives them to', async () => {
  const { engine } = start(() => 0.9);
  const ask = async (headers: Record<string, string>) => {
    const scope = { headers, signal: new AbortController().signal };
    return resultOf(await engine.executeText({ query: QUERY }, scope));
  };
  const both = [await ask({ 'x-beta': '1' }), await ask({}), await ask({ 'x-beta': '1' })];
  const thing = (weight: string) => ({ data: { thing: { price: 'old', weight } } });
  assert.deepEqual(both, [thing('new'), thing('old'), thing('new')]);
});
