import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { Upload } from 'graphql-upload-ts';
import { CodedError } from '#platform/errors.ts';
import type { SubgraphFetch } from '../../../gateway/engine/client/subgraph-client.ts';
import { withDedup } from '../../../gateway/traffic/dedup.ts';
import { fetchOf, heldAnswers, MUTATION, sends, startScriptedSubgraph } from './scripted-subgraph.ts';

const subgraph = await startScriptedSubgraph();

describe('equal fetches in flight', () => {
  let hits = 0;
  beforeEach(() => {
    hits = 0;
    subgraph.requests.length = 0;
  });
  const clientOf = () =>
    withDedup(subgraph.client, { ignoreHeaders: ['x-correlation-id'], onHit: () => (hits += 1) });
  /** Starts fetches together and answers every request that arrives. */
  const together = (...requests: SubgraphFetch[]) => {
    const client = clientOf();
    subgraph.answerWith(sends('{"data":{"a":{"list":[1]}}}'));
    return Promise.all(requests.map((request) => client.fetch(request)));
  };

  test('are sent once, and each caller gets a result of its own', async () => {
    const [first, second, third] = await together(
      fetchOf({ headers: { b: '1', a: '2', 'x-correlation-id': 'one' } }),
      fetchOf({ headers: { b: '1', a: '2', 'x-correlation-id': 'two' } }),
      fetchOf({ headers: { b: '1', a: '2' } }),
    );
    assert.deepEqual([subgraph.requests.length, hits], [1, 2]);
    assert.deepEqual(first, { data: { a: { list: [1] } } });
    assert.deepEqual([second, third], [first, first]);
    for (const [one, other] of [
      [first, second],
      [second, third],
    ]) {
      assert.notEqual(one?.data, other?.data);
      assert.notEqual(one?.data?.['a'], other?.data?.['a']);
    }
  });

  const different: readonly [name: string, one: Partial<SubgraphFetch>, other: Partial<SubgraphFetch>][] = [
    ['a header value', { headers: { 'x-veza-viewer': 'ada' } }, { headers: { 'x-veza-viewer': 'bob' } }],
    ['a header that one of them lacks', { headers: { tenant: '' } }, {}],
    ['a variable', { variables: { id: 1 } }, { variables: { id: '1' } }],
    ['the entities', { representations: ['{"id":1}'] }, { representations: ['{"id":2}'] }],
    [
      'the operation',
      {},
      { operation: { ...fetchOf().operation, bodyPrefix: '{"query":"{ b }","variables":{' } },
    ],
    ['what is a header and what is not', { headers: { a: 'b","c":"d' } }, { headers: { a: 'b', c: 'd' } }],
  ];
  for (const [name, one, other] of different) {
    test(`are not equal where they differ in ${name}`, async () => {
      await together(fetchOf(one), fetchOf(other));
      assert.deepEqual([subgraph.requests.length, hits], [2, 0]);
    });
  }

  test('are never mutations, nor anything that carries a file', async () => {
    await together(MUTATION, MUTATION);
    assert.equal(subgraph.requests.length, 2);
    let sent = 0;
    const counting = { ...subgraph.client, fetch: async () => ((sent += 1), { data: {} }) };
    const client = withDedup(counting, { ignoreHeaders: [] });
    const withFile = () => fetchOf({ variables: { input: { files: [new Upload()] } } });
    await Promise.all([client.fetch(withFile()), client.fetch(withFile())]);
    assert.equal(sent, 2);
  });

  test('share nothing with a fetch that came after the answer', async () => {
    const client = clientOf();
    subgraph.answerWith(sends('{"data":{"a":1}}'));
    await client.fetch(fetchOf());
    subgraph.answerWith(sends('{"data":{"a":2}}'));
    assert.deepEqual(await client.fetch(fetchOf()), { data: { a: 2 } });
  });

  test('share nothing with a fetch that was sent before a mutation ended, at whichever subgraph', async () => {
    const mutations = { ended: 0 };
    const options = { ignoreHeaders: [], mutations };
    const [client, other] = [withDedup(subgraph.client, options), withDedup(subgraph.client, options)];
    const held = heldAnswers();
    subgraph.answerWith(held.script);
    const arrived = subgraph.nextRequest();
    const early = client.fetch(fetchOf());
    await arrived;
    subgraph.answerWith(sends('{"data":{"a":"changed"}}'));
    await other.fetch(MUTATION);
    assert.deepEqual(await client.fetch(fetchOf()), { data: { a: 'changed' } });
    held.release();
    assert.deepEqual(await early, { data: { a: 1 } });
  });

  test('fail together', async () => {
    const client = clientOf();
    subgraph.answerWith(sends('oops', 500));
    const outcomes = await Promise.allSettled([client.fetch(fetchOf()), client.fetch(fetchOf())]);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code),
      ['SUBGRAPH_ERROR', 'SUBGRAPH_ERROR'],
    );
    assert.equal(subgraph.requests.length, 1);
  });

  test('one caller who leaves does not take the answer from the others', async () => {
    const client = clientOf();
    const held = heldAnswers();
    subgraph.answerWith(held.script);
    const gone = new AbortController();
    const arrived = subgraph.nextRequest();
    const fetches = [fetchOf(), fetchOf({ signal: gone.signal }), fetchOf()].map((one) => client.fetch(one));
    await arrived;
    gone.abort(new CodedError('SUBGRAPH_TIMEOUT', 'late'));
    await assert.rejects(async () => fetches[1], { code: 'SUBGRAPH_TIMEOUT' });
    held.release();
    assert.deepEqual(await Promise.all([fetches[0], fetches[2]]), [{ data: { a: 1 } }, { data: { a: 1 } }]);
    assert.equal(subgraph.requests.length, 1);
  });

  test('are sent once more where the one who sent them leaves and others wait', async () => {
    const client = clientOf();
    const held = heldAnswers();
    subgraph.answerWith(held.script);
    const gone = new AbortController();
    const arrived = subgraph.nextRequest();
    const first = client.fetch(fetchOf({ signal: gone.signal }));
    const others = [client.fetch(fetchOf()), client.fetch(fetchOf())];
    await arrived;
    const arrivedAgain = subgraph.nextRequest();
    gone.abort(new CodedError('SUBGRAPH_TIMEOUT', 'late'));
    await assert.rejects(first, { code: 'SUBGRAPH_TIMEOUT' });
    await arrivedAgain;
    held.release();
    held.release();
    assert.deepEqual(await Promise.all(others), [{ data: { a: 1 } }, { data: { a: 1 } }]);
    assert.equal(subgraph.requests.length, 2);
  });

  test('are broken off when the last caller leaves, and whoever comes then asks anew', async () => {
    const client = clientOf();
    subgraph.answerWith(() => undefined);
    const gone = [new AbortController(), new AbortController()];
    const arrived = subgraph.nextRequest();
    const fetches = gone.map(({ signal }) => client.fetch(fetchOf({ signal })));
    const { socket } = await arrived;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    for (const controller of gone) controller.abort();
    subgraph.answerWith(sends('{"data":{"a":3}}'));
    const late = client.fetch(fetchOf());
    for (const outcome of await Promise.allSettled(fetches)) assert.equal(outcome.status, 'rejected');
    await closed;
    assert.deepEqual(await late, { data: { a: 3 } });
  });
});
