import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { INVALID_SPAN_CONTEXT, trace } from '@opentelemetry/api';
import type { FormattedExecutionResult } from 'graphql';
import { Upload } from 'graphql-upload-ts';
import { CodedError } from '#platform/errors.ts';
import type { SubgraphClient, SubgraphFetch } from '../../../gateway/engine/client/subgraph-client.ts';
import { withBatching, type BatchingOptions } from '../../../gateway/traffic/batching.ts';
import { entitiesOf, goodsAnswer, goodsOf, sendsGoods } from './scripted-entities.ts';
import { fetchOf, heldAnswers, MUTATION, sends, startScriptedSubgraph } from './scripted-subgraph.ts';

const subgraph = await startScriptedSubgraph();
const OPTIONS = { maxEntities: 500, windowMs: 0, ignoreHeaders: ['x-correlation-id'] };

const batching = (options: Partial<BatchingOptions> = {}, client: SubgraphClient = subgraph.client) =>
  withBatching(client, { ...OPTIONS, ...options });

/** A client that answers everything with the same, and remembers what it was asked. */
function recorder(answer: FormattedExecutionResult = { data: {} }) {
  const requests: SubgraphFetch[] = [];
  const fetch = async (request: SubgraphFetch) => (requests.push(request), structuredClone(answer));
  return { requests, client: { ...subgraph.client, fetch } };
}

/** Asks for all at once; `asked` are the ids of every request that was sent. */
async function together(requests: readonly SubgraphFetch[], options: Partial<BatchingOptions> = {}) {
  const asked: string[][] = [];
  subgraph.answerWith(sendsGoods((ids) => asked.push(ids), new Set(['x'])));
  const client = batching(options);
  const answers = await Promise.all(requests.map((request) => client.fetch(request)));
  return { answers, asked };
}

describe('fetches of entities that are asked for at the same time', () => {
  test('go out as one, each representation once, and each asker gets its own in its order', async () => {
    let batched = 0;
    const onBatched = (fetches: number) => void (batched += fetches);
    const { answers, asked } = await together(
      [goodsOf(['a', 'b']), goodsOf(['c', 'b']), goodsOf(['c', 'a', 'c'])],
      { onBatched },
    );
    assert.deepEqual(asked, [['a', 'b', 'c']]);
    assert.deepEqual(answers, [goodsAnswer('a', 'b'), goodsAnswer('c', 'b'), goodsAnswer('c', 'a', 'c')]);
    assert.equal(batched, 2);
    const entities = answers.flatMap(entitiesOf);
    assert.equal(new Set(entities.flatMap((entity) => [entity, ...entity.parts])).size, 14);
  });

  test('share no error of an entity with those who did not ask for it', async () => {
    const { answers, asked } = await together([goodsOf(['a', 'x']), goodsOf(['b']), goodsOf(['x', 'b'])]);
    assert.equal(asked.length, 1);
    const errorAt = (index: number) => [{ message: 'x is broken', path: ['_entities', index, 'parts', 0] }];
    assert.deepEqual(
      answers.map(({ errors }) => errors),
      [errorAt(1), undefined, errorAt(0)],
    );
  });

  const SHARED = { message: 'slow today', extensions: { code: 'SLOW' } };
  const broadcast: readonly [name: string, answer: FormattedExecutionResult][] = [
    ['has no path', { data: { _entities: [{}, {}] }, errors: [SHARED] }],
    ['names all entities', { data: null, errors: [{ ...SHARED, path: ['_entities'] }] }],
    ['is no object', JSON.parse('{"data":{"_entities":[{},{}]},"errors":["oops"]}')],
  ];
  for (const [name, answer] of broadcast) {
    test(`all get an error that ${name}`, async () => {
      const client = batching({}, recorder(answer).client);
      const answers = await Promise.all(['a', 'b'].map((id) => client.fetch(goodsOf([id]))));
      for (const { errors } of answers) assert.deepEqual(errors, answer.errors);
      assert.notEqual(answers[0]?.errors, answers[1]?.errors);
    });
  }

  test('take an error for nobody’s entity where its position is nobody’s, or where there are no entities', async () => {
    const errors = [{ message: 'no', path: ['_entities', 2, 'id'] }];
    for (const data of [{ _entities: [{}, {}] }, null]) {
      const client = batching({}, recorder({ data, errors }).client);
      const [answer] = await Promise.all([client.fetch(goodsOf(['a'])), client.fetch(goodsOf(['b']))]);
      assert.deepEqual(answer?.errors, [{ message: 'no', path: ['_entities'] }]);
    }
  });

  test('fail together', async () => {
    subgraph.requests.length = 0;
    subgraph.answerWith(sends('oops', 500));
    const client = batching();
    const outcomes = await Promise.allSettled(['a', 'b'].map((id) => client.fetch(goodsOf([id]))));
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code),
      ['SUBGRAPH_ERROR', 'SUBGRAPH_ERROR'],
    );
    assert.equal(subgraph.requests.length, 1);
  });

  const other = { ...fetchOf().operation, bodyPrefix: '{"query":"{ b }","variables":{' };
  const different: readonly [name: string, one: Partial<SubgraphFetch>, other: Partial<SubgraphFetch>][] = [
    ['a header value', { headers: { 'x-veza-viewer': 'ada' } }, { headers: { 'x-veza-viewer': 'bob' } }],
    ['a header that one of them lacks', { headers: { tenant: '' } }, {}],
    ['a variable', { variables: { first: 1 } }, { variables: { first: 2 } }],
    ['the operation', {}, { operation: other }],
  ];
  for (const [name, one, two] of different) {
    test(`are not joined where they differ in ${name}`, async () => {
      const { answers, asked } = await together([goodsOf(['a'], one), goodsOf(['b'], two)]);
      assert.deepEqual(asked.toSorted(), [['a'], ['b']]);
      assert.deepEqual(answers, [goodsAnswer('a'), goodsAnswer('b')]);
    });
  }

  test('are joined where they differ in a header that identifies them, and keep that of the first', async () => {
    const { requests, client } = recorder({ data: { _entities: [{}, {}] } });
    const headers = ['1', '2'].map((id) => ({ 'x-correlation-id': id, tenant: 't' }));
    const joined = batching({}, client);
    await Promise.all(headers.map((own, index) => joined.fetch(goodsOf([`${index}`], { headers: own }))));
    assert.deepEqual(
      requests.map((request) => request.headers),
      [headers[0]],
    );
  });

  test('are never mutations, root fields, nothing at all, or anything that carries a file', async () => {
    const { requests, client } = recorder();
    const joined = batching({}, client);
    const file = { variables: { input: { files: [new Upload()] } } };
    const all = [goodsOf(['a'], MUTATION), fetchOf(), goodsOf([]), goodsOf(['a'], file)];
    const answers = all.flatMap((request) => [joined.fetch(request), joined.fetch(request)]);
    assert.deepEqual(
      requests,
      all.flatMap((request) => [request, request]),
    );
    await Promise.all(answers);
  });

  test('are more than one request where they are more than one may hold', async () => {
    const groups = [['a', 'b'], ['b', 'c', 'a'], ['d'], ['a', 'b', 'c', 'd'], ['d', 'd', 'e']];
    const { answers, asked } = await together(
      groups.map((ids) => goodsOf(ids)),
      { maxEntities: 3 },
    );
    assert.deepEqual(asked.toSorted(), [['a', 'b', 'c'], ['a', 'b', 'c', 'd'], ['d'], ['d', 'd', 'e']]);
    assert.deepEqual(
      answers,
      groups.map((ids) => goodsAnswer(...ids)),
    );
  });

  test('pass as they are where nobody joins', async () => {
    const { requests, client } = recorder();
    const request = goodsOf(['a', 'a']);
    await batching({}, client).fetch(request);
    assert.equal(requests[0], request);
  });

  test('carry the latest deadline, or none where somebody waits for ever', async () => {
    const { requests, client } = recorder();
    const joined = batching({}, client);
    for (const ends of [
      [3, 7, 5],
      [7, undefined, 9],
    ])
      await Promise.all(ends.map((endsAtMs, index) => joined.fetch(goodsOf([`${index}`], { endsAtMs }))));
    assert.deepEqual(
      requests.map(({ endsAtMs }) => endsAtMs),
      [7, undefined],
    );
  });

  test('are recorded where the first one is, and the others as sharing its request', async (t) => {
    const { requests, client } = recorder();
    const spans = ['a', 'b'].map(() => trace.wrapSpanContext(INVALID_SPAN_CONTEXT));
    const notes = spans.map((span) => t.mock.method(span, 'setAttribute'));
    const joined = batching({}, client);
    await Promise.all(spans.map((span, index) => joined.fetch(goodsOf([`${index}`], { span }))));
    assert.equal(requests[0]?.span, spans[0]);
    assert.deepEqual(
      notes.map(({ mock }) => mock.calls.map((call) => call.arguments)),
      [[], [['veza.fetch.shared', true]]],
    );
  });

  test('are collected over a window where there is one', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { requests, client } = recorder();
    const joined = batching({ windowMs: 5 }, client);
    const answers = [joined.fetch(goodsOf(['a']))];
    t.mock.timers.tick(4);
    answers.push(joined.fetch(goodsOf(['b'])));
    t.mock.timers.tick(1);
    answers.push(joined.fetch(goodsOf(['c'])));
    assert.deepEqual(
      requests.map(({ representations }) => representations?.length),
      [2],
    );
    t.mock.timers.tick(5);
    await Promise.all(answers);
    assert.equal(requests.length, 2);
  });
});

describe('an asker who leaves', () => {
  const late = new CodedError('SUBGRAPH_TIMEOUT', 'late');

  test('before anything is sent is told at once, and nothing is asked for on its behalf', async () => {
    const gone = new AbortController();
    const asked: string[][] = [];
    subgraph.answerWith(sendsGoods((ids) => asked.push(ids)));
    const client = batching();
    const requests = [goodsOf(['a'], { signal: gone.signal }), goodsOf(['b']), goodsOf(['c'])];
    const [first, ...others] = requests.map((request) => client.fetch(request));
    gone.abort(late);
    await assert.rejects(async () => first, late);
    assert.deepEqual(asked, []);
    assert.deepEqual(await Promise.all(others), [goodsAnswer('b'), goodsAnswer('c')]);
    assert.deepEqual(asked, [['b', 'c']]);
    await assert.rejects(client.fetch(goodsOf(['a'], { signal: gone.signal })), late);
  });

  test('alone takes the request along before it is sent', async () => {
    const gone = new AbortController();
    const { requests, client } = recorder();
    const answer = batching({}, client).fetch(goodsOf(['a'], { signal: gone.signal }));
    gone.abort(late);
    await assert.rejects(answer, late);
    await new Promise(setImmediate);
    assert.deepEqual(requests, []);
  });

  test('alone while the request goes out is told by whatever sends it', async () => {
    const gone = new AbortController();
    const fetch = () => (gone.abort(late), Promise.reject(new Error('broken off')));
    const client = batching({}, { ...subgraph.client, fetch });
    await assert.rejects(client.fetch(goodsOf(['a'], { signal: gone.signal })), { message: 'broken off' });
  });

  test('later does not take the answer from the others', async () => {
    const gone = new AbortController();
    const held = heldAnswers(JSON.stringify(goodsAnswer('a', 'b', 'c')));
    subgraph.answerWith(held.script);
    const client = batching();
    const arrived = subgraph.nextRequest();
    const requests = [goodsOf(['a']), goodsOf(['b'], { signal: gone.signal }), goodsOf(['c'])];
    const [first, second, third] = requests.map((request) => client.fetch(request));
    await arrived;
    gone.abort(late);
    await assert.rejects(async () => second, late);
    held.release();
    assert.deepEqual(await Promise.all([first, third]), [goodsAnswer('a'), goodsAnswer('c')]);
  });

  test('last ends the request, and whoever comes then asks anew', async () => {
    const gone = [new AbortController(), new AbortController()];
    subgraph.answerWith(() => undefined);
    const sent: SubgraphFetch[] = [];
    const fetch = (request: SubgraphFetch) => (sent.push(request), subgraph.client.fetch(request));
    const client = batching({}, { ...subgraph.client, fetch });
    const arrived = subgraph.nextRequest();
    const answers = gone.map(({ signal }) => client.fetch(goodsOf(['a'], { signal })));
    const { socket } = await arrived;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const endOf = (request?: SubgraphFetch): unknown => request?.signal.reason;
    gone[0]?.abort(new Error('gone'));
    assert.equal(endOf(sent[0]), undefined);
    gone[1]?.abort(late);
    assert.equal(endOf(sent[0]), late);
    for (const { status } of await Promise.allSettled(answers)) assert.equal(status, 'rejected');
    await closed;
    subgraph.answerWith(sendsGoods());
    assert.deepEqual(await client.fetch(goodsOf(['a'])), goodsAnswer('a'));
  });
});
