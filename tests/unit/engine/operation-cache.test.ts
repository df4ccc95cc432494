import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'graphql';
import { createOperationCache } from '../../../gateway/engine/operation-cache.ts';
import { createSupergraphState } from '../../../gateway/engine/supergraph-state.ts';
import { shopSubgraphs } from '../../support/federation/shop.ts';
import { composeSupergraph } from '../../support/federation/supergraph.ts';

const state = createSupergraphState(composeSupergraph(shopSubgraphs()));

test('compiles an operation once per text and name, and once per document object', () => {
  const cache = createOperationCache(state);
  const text = 'query A { me { id } } query B { me { name } }';
  assert.equal(cache.get(text, 'A'), cache.get(text, 'A'));
  assert.notEqual(cache.get(text, 'A'), cache.get(text, 'B'));
  const document = parse(text);
  assert.equal(cache.getDocument(document, 'A'), cache.getDocument(document, 'A'));
});

test('stays within its bytes: what was not used for the longest time goes first', () => {
  const cache = createOperationCache(state, { maxBytes: 10_100 });
  const oldest = cache.get('{ me { id } }', null);
  const middle = cache.get('{ me { name } }', null);
  cache.get('{ me { id } }', null);
  for (const name of ['a', 'b']) cache.get(`{ ${name}: me { id } }`, null);
  assert.equal(cache.get('{ me { id } }', null), oldest);
  assert.notEqual(cache.get('{ me { name } }', null), middle);
});

test('invalid documents never push valid ones out', () => {
  const cache = createOperationCache(state, { maxBytes: 30_000 });
  const valid = cache.get('{ me { id } }', null);
  for (let n = 0; n < 200; n++) cache.get(`{ wrong${n} }`, null);
  assert.equal(cache.get('{ me { id } }', null), valid);
});
