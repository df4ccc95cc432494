import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'graphql';
import type { SubgraphFetch } from '../../../gateway/engine/client/subgraph-client.ts';
import type { EngineScope } from '../../../gateway/engine/engine.ts';
import { withSharedDocuments } from '../../../gateway/fast-path/shared-documents.ts';
import { createTestGateway } from '../../support/federation/supergraph.ts';

const subgraphs = {
  users: { typeDefs: 'type Query { me(n: Int): String } type Mutation { rename: String }' },
};
const QUERY = parse('query ($n: Int) { me(n: $n) }');
const MUTATION = parse('mutation { rename }');

/** An engine with shared documents, whose subgraph answers when the test says so. */
function start() {
  const { engine, replaced } = createTestGateway(subgraphs);
  const held: { request: SubgraphFetch; answer: () => void }[] = [];
  replaced.set('users', (request) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    held.push({ request, answer: resolve });
    return promise.then(() => ({ data: { me: 'ada', rename: 'bob' } }));
  });
  const shared = withSharedDocuments(engine, ['x-correlation-id']);
  const ask = (extra: Partial<EngineScope> = {}, variables = { n: 1 }, document = QUERY) =>
    shared.executeDocument(document, null, variables, {
      headers: {},
      signal: new AbortController().signal,
      ...extra,
    });
  const answerAll = () => held.forEach(({ answer }) => answer());
  return { ask, held, answerAll };
}

test('equal queries share one run, whatever only identifies them', async () => {
  const { ask, held, answerAll } = start();
  const asked = ['one', 'two'].map((id) => ask({ headers: { 'x-correlation-id': id } }));
  answerAll();
  const [first, second] = await Promise.all(asked);
  assert.equal(held.length, 1);
  assert.deepEqual(first?.data, { me: 'ada' });
  assert.equal(first, second);
});

test('queries that differ in a header, a variable or their document share nothing', async () => {
  const { ask, held, answerAll } = start();
  const asked = [ask(), ask({ headers: { viewer: 'a' } }), ask({}, { n: 2 })];
  asked.push(ask({}, { n: 1 }, parse('query ($n: Int) { me(n: $n) }')));
  answerAll();
  await Promise.all(asked);
  assert.equal(held.length, 4);
});

test('mutations share nothing, and no query joins one that began before a mutation ended', async () => {
  const { ask, held, answerAll } = start();
  const mutations = [ask({}, { n: 1 }, MUTATION), ask({}, { n: 1 }, MUTATION)];
  const early = ask();
  assert.equal(held.length, 3);
  held[0]?.answer();
  await mutations[0];
  const late = ask();
  assert.equal(held.length, 4);
  answerAll();
  await Promise.all([...mutations, early, late]);
});

test('a run goes on while one caller waits, and ends with the last', async () => {
  const { ask, held } = start();
  const gone = [new AbortController(), new AbortController()];
  const asked = gone.map(({ signal }) => ask({ signal }));
  const [run] = held;
  gone[0]?.abort();
  assert.equal(run?.request.signal.aborted, false);
  gone[1]?.abort();
  assert.equal(run?.request.signal.aborted, true);
  run?.answer();
  await Promise.all(asked);
});
