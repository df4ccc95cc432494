import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createInProcessClient } from '../../../gateway/engine/client/in-process.ts';
import { createEngine } from '../../../gateway/engine/create-engine.ts';
import { createSupergraphState } from '../../../gateway/engine/supergraph-state.ts';
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

/** The planner asks `second` for `area` in the same step as for `any`. A fetch in which it has given a field another name is not divided. */
const CHAIN: TestSubgraphs = {
  first: {
    typeDefs: `type Thing ${KEY} { id: ID! size: Int } type Query { shelf: Shelf } type Shelf { name: String @shareable }`,
    resolvers: { Thing: { size: () => 3 } },
  },
  second: {
    typeDefs: `type Query { any: Any } union Any = Thing | Shelf type Shelf { name: String! @shareable }
      type Thing ${KEY} { id: ID! name: String size: Int @external area: Int @requires(fields: "size") }`,
    resolvers: {
      Query: { any: () => ({ __typename: 'Thing', id: 't1', name: 'T' }) },
      Thing: { area: ({ size = 0 }: { size?: number }) => size * size },
    },
  },
  third: {
    typeDefs: `type Thing ${KEY} { id: ID! area: Int @external ratio: String @requires(fields: "area") }`,
    resolvers: { Thing: { ratio: ({ area }: { area: number }) => `ratio ${area}` } },
  },
};

test('an operation without a sound plan is refused, told of once, and no subgraph is asked', async () => {
  const { log, text } = recordingLog();
  const asked: string[] = [];
  const engine = createEngine({
    sdl: composeSupergraph(CHAIN),
    log,
    clients: (name) => {
      const client = createInProcessClient(createTestEndpoint(CHAIN[name] ?? assert.fail(name)));
      return { ...client, fetch: (request) => (asked.push(name), client.fetch(request)) };
    },
  });
  const ask = (query: string) => engine.execute({ query }, testScope());
  for (const _ of [1, 2]) {
    const { data, errors = [] } = await ask(
      '{ any { ... on Thing { one: ratio name } ... on Shelf { name } } }',
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
    /"operationHash":"[0-9a-f]{64}","problem":"second is asked without its inputs for Thing.area"/,
  );
  assert.deepEqual(await ask('{ any { ... on Thing { name area } } }'), {
    data: { any: { name: 'T', area: 9 } },
  });
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
