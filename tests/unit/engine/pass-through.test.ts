import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTestGateway, resultOf, testScope } from '../../support/federation/supergraph.ts';
import { fetchOf, sends, startScriptedSubgraph } from '../gateway/scripted-subgraph.ts';

/** `users` answers everything but what `pets` adds. */
const subgraphs = {
  users: {
    typeDefs: `type Query { me: User users(first: Int): [User!] animal: Animal }
      type Mutation { rename(name: String!): User }
      type User @key(fields: "id") { id: ID! name: String friend: User tone: Tone mode: Mode }
      enum Tone { HIGH LOW }
      enum Mode { SHOWN HIDDEN @inaccessible }
      interface Animal { name: String }
      type Cat implements Animal { name: String }`,
  },
  pets: { typeDefs: `type User @key(fields: "id") { id: ID! pets: Int }` },
};

/** Whether the one who sends the fetch of an operation would take its answer as text. */
const asked: readonly [query: string, isText: boolean][] = [
  ['{ me { id name } }', true],
  ['{ me { name id friend { name } } users(first: 2) { __typename name } }', true],
  ['query ($n: Int) { users(first: $n) { renamed: name tone } }', true],
  ['{ me { ...F } } fragment F on User { name friend { id } }', true],
  ['{ me { name } me { id name } }', true],
  ['mutation { rename(name: "a") { name } }', true],
  ['{ me { name pets } }', false],
  ['{ __typename me { name } }', false],
  ['{ me { name } __schema { queryType { name } } }', false],
  ['{ me { mode } }', false],
  ['{ animal { name } }', false],
  ['query ($yes: Boolean = true) { me { name id @include(if: $yes) } }', false],
  // The alias is a key's name, so that the field travels under another one.
  ['{ me { id: name } }', false],
];

for (const [query, isText] of asked)
  test(`${isText ? 'hands on' : 'reads'} the answer to ${query}`, async () => {
    const gateway = createTestGateway(subgraphs);
    await gateway.engine.executeText({ query }, testScope());
    assert.equal(gateway.fetches[0]?.asText, isText);
    await gateway.engine.execute({ query }, testScope());
    assert.notEqual(gateway.fetches.at(-1)?.asText, true);
  });

test('answers with the text as it came, and with what was read where it did not come as text', async () => {
  const gateway = createTestGateway(subgraphs);
  const text = '{"data":{"me":{"id":"1","name":"\\u00fc"}}}';
  const query = '{ me { id name } }';
  gateway.replaced.set('users', async () => ({ text }));
  assert.equal(await gateway.engine.executeText({ query }, testScope()), text);
  gateway.replaced.set('users', async () => JSON.parse(text));
  assert.equal(await gateway.engine.executeText({ query }, testScope()), JSON.stringify(JSON.parse(text)));
  gateway.replaced.set('users', async () => ({
    data: { me: null },
    errors: [{ message: 'no', path: ['me'] }],
  }));
  const answer = await gateway.engine.executeText({ query }, testScope());
  assert.equal(resultOf(answer).errors?.[0]?.message, 'no');
  assert.notEqual(typeof answer, 'string');
});

describe('a client over HTTP', async () => {
  const subgraph = await startScriptedSubgraph();
  const answers: readonly [name: string, text: string, isText: boolean, status?: number][] = [
    ['data', '{"data":{"a":{"b":1}}}', true],
    ['data with a line end', '{"data":{"a":{"b":1}}}\n', true],
    ['null data', '{"data":null}', false],
    ['data with errors', '{"data":{"a":null},"errors":[{"message":"no","extensions":{"a":{}}}]}', false],
    ['errors first', '{"errors":[{"message":"no"}],"data":{"a":{}}}', false],
    ['data with extensions', '{"data":{"a":1},"extensions":{"cost":{}}}', false],
    ['data laid out for reading', '{\n  "data": { "a": 1 }\n}', false],
    ['data under another status', '{"data":{"a":{"b":1}}}', false, 202],
  ];
  for (const [name, text, isText, status] of answers)
    test(`${isText ? 'hands on' : 'reads'} ${name}`, async () => {
      subgraph.answerWith(sends(text, status));
      const result = await subgraph.client.fetch(fetchOf({ asText: true }));
      assert.deepEqual(result, isText ? { text } : JSON.parse(text));
      assert.deepEqual(await subgraph.client.fetch(fetchOf()), JSON.parse(text));
    });

  test('reads everything where it is told to', async () => {
    const cautious = await startScriptedSubgraph({ passThrough: false });
    assert.deepEqual(await cautious.client.fetch(fetchOf({ asText: true })), { data: { a: 1 } });
  });
});
