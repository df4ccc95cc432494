import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { planOf } from '../../support/federation/planned.ts';
import { randomOperation } from '../../support/federation/random-operation.ts';
import { shopSubgraphs } from '../../support/federation/shop.ts';
import { composeSupergraph } from '../../support/federation/supergraph.ts';
import { createSupergraphState, type SupergraphState } from '../../../gateway/engine/supergraph-state.ts';
import { seededRandom } from '../../support/random.ts';

const SEED = Number(process.env['SEED'] ?? 101);
const MAX_EVALUATED_PLANS = 3_000;

/** Every list may be fetched from every subgraph, whichever the list above it was fetched from. */
const recursive = (subgraphs: number) =>
  composeSupergraph(
    Object.fromEntries(
      Array.from({ length: subgraphs }, (_, index) => [
        `s${index}`,
        {
          typeDefs: `type Query { roots: [Tree!]! @shareable } type Tree @key(fields: "id") { id: ID! name: String @shareable
            left: [Tree!]! @shareable right: [Tree!]! @shareable own${index}: Int }`,
        },
      ]),
    ),
  );

function nested(subgraphs: number, depth: number): string {
  if (depth === 0) return '{ name own0 }';
  const below = nested(subgraphs, depth - 1);
  return `{ own${depth % subgraphs} left ${below} right ${below} }`;
}

const evaluatedBy = ({ planner }: SupergraphState) =>
  planner.lastGeneratedPlanStatistics()?.evaluatedPlanCount ?? assert.fail();

for (const [subgraphs, depth] of [
  [3, 3],
  [4, 4],
  [5, 5],
] as const)
  test(`shared lists of ${subgraphs} subgraphs, ${depth} deep, are planned soundly and with bounded work`, () => {
    const state = createSupergraphState(recursive(subgraphs));
    const { plan, check } = planOf(state, `{ roots ${nested(subgraphs, depth)} }`);
    const evaluated = evaluatedBy(state);
    assert.ok(evaluated > 100 && evaluated <= MAX_EVALUATED_PLANS, `${evaluated} plans`);
    assert.equal(check(plan), null);
  });

test('plans over the platform and over the shop are far from the bound: none is another one because of it', async (t) => {
  t.diagnostic(`SEED=${SEED}`);
  const random = seededRandom(SEED);
  for (const sdl of [
    await readFile('schema/supergraph.graphql', 'utf8'),
    composeSupergraph(shopSubgraphs()),
  ]) {
    const state = createSupergraphState(sdl);
    for (let i = 0; i < 150; i++) {
      const text = randomOperation(state.apiSchema, random, { maxDepth: 3, without: new Set() });
      const query = text.replaceAll(/@defer(\(if: \$\w+\))?/g, '');
      planOf(state, query);
      // Where there are too many, a good part of the bound is left.
      assert.ok(evaluatedBy(state) <= MAX_EVALUATED_PLANS / 10, `SEED=${SEED}, case ${i}: ${query}`);
    }
  }
});
