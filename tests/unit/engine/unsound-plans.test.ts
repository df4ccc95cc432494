import assert from 'node:assert/strict';
import { test, type MockTracker } from 'node:test';
import { QueryPlanner } from '@apollo/query-planner';
import { createInProcessClient } from '../../../gateway/engine/client/in-process.ts';
import { createEngine } from '../../../gateway/engine/create-engine.ts';
import { createSupergraphState } from '../../../gateway/engine/supergraph-state.ts';
import { inOperation } from '../../support/federation/damages.ts';
import { planOf } from '../../support/federation/planned.ts';
import {
  composeSupergraph,
  createTestEndpoint,
  createTestGateway,
  testScope,
  type TestSubgraphs,
} from '../../support/federation/supergraph.ts';
import { recordingLog } from '../../support/recording-log.ts';

const KEY = '@key(fields: "id")';

const THINGS: TestSubgraphs = {
  first: {
    typeDefs: `type Query { thing: Thing other: Thing } type Thing ${KEY} { id: ID! }`,
    resolvers: { Query: { thing: () => ({ id: 't1' }), other: () => ({ id: 't2' }) } },
  },
  second: {
    typeDefs: `type Thing ${KEY} { id: ID! size: Int }`,
    resolvers: { Thing: { size: () => 3 } },
  },
};

/** As if the planner had a fault more: it leaves out what comes after the first fetch of operations that ask for `thing`. */
function withFault(mock: MockTracker): void {
  const { buildQueryPlan } = QueryPlanner.prototype;
  mock.method(
    QueryPlanner.prototype,
    'buildQueryPlan',
    function (this: QueryPlanner, ...given: Parameters<typeof buildQueryPlan>) {
      const plan = buildQueryPlan.apply(this, given);
      const [operation] = given;
      const first = plan.node?.kind === 'Sequence' ? plan.node.nodes[0] : undefined;
      return String(operation).includes('thing') && first ? { ...plan, node: first } : plan;
    },
  );
}

test('an operation without a sound plan is refused, told of once, and no subgraph is asked', async ({
  mock,
}) => {
  withFault(mock);
  const { log, text } = recordingLog();
  const asked: string[] = [];
  const engine = createEngine({
    sdl: composeSupergraph(THINGS),
    log,
    clients: (name) => {
      const client = createInProcessClient(createTestEndpoint(THINGS[name] ?? assert.fail(name)));
      return { ...client, fetch: (request) => (asked.push(name), client.fetch(request)) };
    },
  });
  const ask = (query: string) => engine.execute({ query }, testScope());
  for (const _ of [1, 2]) {
    const { data, errors = [] } = await ask(
      'query ($no: Boolean = false) { thing { id size @skip(if: $no) } }',
    );
    assert.equal(data, undefined);
    assert.deepEqual(
      errors.map(({ extensions }) => extensions?.['code']),
      ['PLAN_UNSOUND'],
    );
  }
  assert.deepEqual(asked, []);
  assert.equal(engine.unsoundPlans(), 1);
  const lines = text()
    .split('\n')
    .filter((line) => line.includes('no sound plan for an operation'));
  assert.equal(lines.length, 1);
  assert.match(
    lines.join(),
    /"operationHash":"[0-9a-f]{64}","problem":"Thing.size at thing.size is not fetched"/,
  );
  assert.deepEqual(await ask('{ other { size } }'), { data: { other: { size: 3 } } });
  await engine.close();
});

test('a context that the planner would read while another branch fetches it is waited for', async () => {
  const subgraphs: TestSubgraphs = {
    roots: {
      typeDefs: `type Query { any: Thing } type Thing ${KEY} { id: ID! }`,
      resolvers: { Query: { any: () => ({ id: 't1' }) } },
    },
    far: {
      typeDefs: `type Thing ${KEY} { id: ID! far: Said } type Said ${KEY} { id: ID! }`,
      resolvers: { Thing: { far: () => ({ id: 's1' }) } },
    },
    near: {
      typeDefs: `type Thing ${KEY} @context(name: "thing") { id: ID! size: Int near: Said }
        type Said ${KEY} { id: ID! next: Said said(of: Int @fromContext(field: "$thing { size }")): String }`,
      resolvers: {
        Thing: { size: () => 3, near: () => ({ id: 's2' }) },
        Said: {
          next: () => ({ id: 's3' }),
          said: ({ id }: { id: string }, { of }: { of?: number }) => `${id} of ${of}`,
        },
      },
    },
  };
  const query = '{ any { far { said } near { next { said } } } }';
  const { plan, check } = planOf(createSupergraphState(composeSupergraph(subgraphs)), query);
  assert.match(String(check(plan)), /the context thing is read before Thing\.size is known/);
  const gateway = createTestGateway(subgraphs);
  assert.deepEqual(await gateway.query(query), {
    data: { any: { far: { said: 's1 of 3' }, near: { next: { said: 's3 of 3' } } } },
  });
});

test('a plan is sound that does not ask for a type which is told by the object around it, if not by the interface of that', () => {
  const only = `type Query { dog: Dog pet: Pet } interface Pet { id: ID! friend: Pet }
    type Dog implements Pet { id: ID! friend: Dog } type Cat implements Pet { id: ID! friend: Pet }`;
  const state = createSupergraphState(composeSupergraph({ only: { typeDefs: only } }));
  const friends = '... on Pet { friend { ... on Dog { id } friend { ... on Pet { id } } } } friend { id }';
  const { plan, check } = planOf(state, `{ dog { ${friends} } pet { ${friends} } }`);
  assert.equal(check(plan), null);
  const damaged = inOperation('only', 'pet{__typename friend{__typename', 'pet{__typename friend{')(plan);
  assert.match(String(check(damaged)), /^\w+\.__typename at pet\.friend\.__typename is not fetched$/);
});
