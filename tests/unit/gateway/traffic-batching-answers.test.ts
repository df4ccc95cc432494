import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FormattedExecutionResult } from 'graphql';
import { createMetrics } from '#platform/metrics.ts';
import { parseConfig } from '../../../gateway/config.ts';
import { subgraphSettings } from '../../../gateway/config-subgraphs.ts';
import { createInProcessClient } from '../../../gateway/engine/client/in-process.ts';
import type { SubgraphClient } from '../../../gateway/engine/client/subgraph-client.ts';
import { withBatching, type BatchingOptions } from '../../../gateway/traffic/batching.ts';
import type { EntityFetch } from '../../../gateway/traffic/joint-fetch.ts';
import { createTrafficMetrics } from '../../../gateway/traffic/metrics.ts';
import { withTraffic } from '../../../gateway/traffic/subgraph-traffic.ts';
import { shopSubgraphs } from '../../support/federation/shop.ts';
import { createTestEndpoint, createTestGateway } from '../../support/federation/supergraph.ts';
import { seededRandom } from '../../support/random.ts';
import { entitiesOf, goodsAnswer, goodsOf, sendsGoods } from './scripted-entities.ts';
import { heldAnswers, MUTATION, sends, startScriptedSubgraph } from './scripted-subgraph.ts';

const CASES = Number(process.env['CASES'] ?? 100);
const SEED = Number(process.env['SEED'] ?? 101);

const subgraph = await startScriptedSubgraph();
const OPTIONS: BatchingOptions = { maxEntities: 500, windowMs: 0, ignoreHeaders: [] };

describe('the engine takes a joint answer that is', () => {
  const QUERY = 'query ($id: ID!) { node(id: $id) { ... on User { name reviews { stars } } } }';

  /** What two requests are answered that ask `reviews` for one user each, and how often that was asked. */
  const askTwice = async (answer: FormattedExecutionResult, isBatched: boolean) => {
    const gateway = createTestGateway(shopSubgraphs());
    const query = (id: string) => gateway.query(QUERY, { id });
    await query('u1');
    let asked = 0;
    const fetch = async () => ((asked += 1), structuredClone(answer));
    const client: SubgraphClient = { ...subgraph.client, fetch };
    gateway.replaced.set('reviews', (isBatched ? withBatching(client, OPTIONS) : client).fetch);
    const answers = await Promise.all([query('u1'), query('u2')]);
    await gateway.engine.close();
    return { answers, asked };
  };

  const wrongForBoth: readonly [name: string, answer: FormattedExecutionResult][] = [
    ['empty', { data: { _entities: [] } }],
    ['too long', { data: { _entities: [{ reviews: [] }, { reviews: [] }, { reviews: [] }] } }],
    ['no list', JSON.parse('{"data":{"_entities":{"length":1}}}')],
    ['null', { data: null }],
    ['not there', {}],
    ['nothing but an error', { errors: [{ message: 'down', extensions: { code: 'DOWN' } }] }],
    ['wrong, with an error', { data: { _entities: [] }, errors: [{ message: 'down' }] }],
    ['full of wrong errors', JSON.parse('{"data":{"_entities":null},"errors":[null,3,{"path":"y"}]}')],
    ['null, with errors that are no list', JSON.parse('{"data":null,"errors":"oops"}')],
  ];
  for (const [name, answer] of wrongForBoth) {
    test(`${name} as it takes such an answer to a request of its own`, async () => {
      const [joint, alone] = [await askTwice(answer, true), await askTwice(answer, false)];
      assert.deepEqual(joint.answers, alone.answers);
      assert.deepEqual([joint.asked, alone.asked], [1, 2]);
      for (const { errors } of joint.answers) assert.ok(errors?.length);
    });
  }

  test('too short as one that is wrong for everybody', async () => {
    const { answers, asked } = await askTwice({ data: { _entities: [{ reviews: [] }] } }, true);
    assert.equal(asked, 1);
    const users = ['Ada', 'Bob'].map((name) => ({ node: { name, reviews: null } }));
    assert.deepEqual(
      answers.map(({ data }) => data),
      users,
    );
    for (const { errors } of answers) {
      assert.deepEqual(
        errors?.map(({ message, extensions }) => [extensions?.['code'], message]),
        [['SUBGRAPH_ERROR', 'The subgraph reviews did not answer with 1 entities.']],
      );
    }
  });
});

describe('batching among what else a fetch passes', () => {
  test('is off unless it is turned on, and joins what dedup has left', async () => {
    const run = async (yaml: string) => {
      const registry = createMetrics('gateway');
      const client = withTraffic(subgraph.client, {
        name: 'goods',
        settings: subgraphSettings(parseConfig(yaml, 'test.yaml'), 'goods', false),
        selectedHeaders: new Set(),
        metrics: createTrafficMetrics(registry).of('goods'),
      });
      subgraph.requests.length = 0;
      subgraph.answerWith(sendsGoods());
      const answers = await Promise.all(['a', 'b', 'a'].map((id) => client.fetch(goodsOf([id]))));
      assert.deepEqual(
        answers,
        ['a', 'b', 'a'].map((id) => goodsAnswer(id)),
      );
      const text = await registry.metrics();
      const figures = ['dedup_hits', 'batched'].map((name) =>
        Number(
          new RegExp(`^gateway_subgraph_${name}_total{subgraph="goods".*} (\\d+)$`, 'm').exec(text)?.[1],
        ),
      );
      return { requests: subgraph.requests.length, figures };
    };
    assert.deepEqual(await run(''), { requests: 2, figures: [1, 0] });
    const on = 'subgraphs: { all: { batching: { enabled: true } } }';
    assert.deepEqual(await run(on), { requests: 1, figures: [1, 1] });
  });

  test('lets nobody join a request that was sent before a mutation ended', async () => {
    const held = heldAnswers(JSON.stringify(goodsAnswer('a', 'b')));
    subgraph.answerWith(held.script);
    const client = withBatching(subgraph.client, OPTIONS);
    const arrived = subgraph.nextRequest();
    const early = [client.fetch(goodsOf(['a'])), client.fetch(goodsOf(['b']))];
    await arrived;
    subgraph.answerWith(sends('{"data":{"a":1}}'));
    await client.fetch(MUTATION);
    const asked: string[][] = [];
    subgraph.answerWith(sendsGoods((ids) => asked.push(ids)));
    assert.deepEqual(await client.fetch(goodsOf(['a'])), goodsAnswer('a'));
    assert.deepEqual(asked, [['a']]);
    held.release();
    await Promise.all(early);
  });
});

test('requests of clients side by side are answered as without batching, errors and all', async () => {
  const query = `query ($id: ID!) {
    node(id: $id) { ... on User { email address { city } parcels { id } friends { name email reviews { body product { name rating } } } } }
    products { name reviews { stars author { name favourite { price } } } ... on Lamp { freight taxed } ... on Book { freight } }
  }`;
  const run = async (isBatched: boolean) => {
    const gateway = createTestGateway(shopSubgraphs());
    let batched = 0;
    const onBatched = (fetches: number) => void (batched += fetches);
    for (const [name, shop] of Object.entries(isBatched ? shopSubgraphs() : {})) {
      const client = createInProcessClient(createTestEndpoint(shop));
      gateway.replaced.set(name, withBatching(client, { ...OPTIONS, maxEntities: 4, onBatched }).fetch);
    }
    const answers = await Promise.all(['u1', 'u2', 'u3', 'u1'].map((id) => gateway.query(query, { id })));
    await gateway.engine.close();
    return { answers, batched };
  };
  const [joint, alone] = [await run(true), await run(false)];
  assert.ok(joint.batched > 0);
  assert.ok(alone.answers.some(({ errors }) => errors?.length));
  assert.deepEqual(joint.answers.map(inOrder), alone.answers.map(inOrder));
});

test('random fetches are answered as they would be without batching, whoever leaves', async (t) => {
  t.diagnostic(`SEED=${SEED}`);
  const random = seededRandom(SEED);
  for (let i = 0; i < CASES; i++) await checkCase(random, `SEED=${SEED}, case ${i}`);
});

const GOODS = ['a', 'b', 'c', 'd', 'e', 'f', 'x', 'y'];
const BROKEN = new Set(['x', 'y']);

async function checkCase(random: () => number, context: string): Promise<void> {
  const below = (end: number) => Math.floor(random() * end);
  const maxEntities = 1 + below(GOODS.length);
  const requests = Array.from({ length: 1 + below(6) }, () => {
    const leaver = new AbortController();
    // May ask for the same twice.
    const ids = Array.from({ length: 1 + below(5) }, () => GOODS[below(GOODS.length)] ?? '');
    const [variables, headers] = [{ first: below(2) }, { tenant: String(below(2)) }];
    return { request: goodsOf(ids, { variables, headers, signal: leaver.signal }), ids, leaver };
  });
  const asked: string[][] = [];
  subgraph.answerWith(sendsGoods((ids) => asked.push(ids), BROKEN));
  const client = withBatching(subgraph.client, { ...OPTIONS, maxEntities });
  const answers = requests.map(({ request }) => client.fetch(request));
  const arrival = below(2) === 0 ? Promise.resolve() : subgraph.nextRequest();
  const outcomes = Promise.allSettled(answers);
  await arrival;
  for (const { leaver } of requests.slice(1)) if (below(4) === 0) leaver.abort(new Error('gone'));
  for (const [index, outcome] of (await outcomes).entries()) {
    const { request, leaver } = requests[index] ?? assert.fail();
    if (outcome.status === 'rejected') {
      assert.ok(leaver.signal.aborted, context);
      continue;
    }
    assert.deepEqual(inOrder(outcome.value), inOrder(await alone(request)), context);
    // Whoever gets it may change it; the others must not see that.
    for (const entity of entitiesOf(outcome.value)) entity.parts.push({ changed: true });
  }
  checkRequests(
    asked,
    requests.map(({ ids }) => ids.join()),
    maxEntities,
    context,
  );
}

/** Every request keeps to the limit, and asks for nothing twice, unless that is how somebody asked. */
function checkRequests(
  asked: readonly string[][],
  own: readonly string[],
  maxEntities: number,
  context: string,
) {
  for (const ids of asked) {
    const isJoint = ids.length <= maxEntities && new Set(ids).size === ids.length;
    assert.ok(isJoint || own.includes(ids.join()), `${context}: ${ids.join()}`);
  }
}

const alone = (request: EntityFetch) =>
  subgraph.client.fetch({ ...request, signal: new AbortController().signal });

/** Errors come in the order of the joint request, or as fetches happen to end. */
const inOrder = ({ errors, ...result }: FormattedExecutionResult) => ({
  ...result,
  ...(errors && { errors: errors.map((error) => JSON.stringify(error)).toSorted() }),
});
