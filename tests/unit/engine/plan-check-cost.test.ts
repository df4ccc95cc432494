import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { planOf } from '../../support/federation/planned.ts';
import { randomOperation } from '../../support/federation/random-operation.ts';
import { shopSubgraphs } from '../../support/federation/shop.ts';
import { composeSupergraph } from '../../support/federation/supergraph.ts';
import { createSupergraphState } from '../../../gateway/engine/supergraph-state.ts';
import { seededRandom } from '../../support/random.ts';

const SEED = Number(process.env['SEED'] ?? 101);
const CASES = Number(process.env['CASES'] ?? 300);

const supergraphs: readonly [name: string, sdl: () => Promise<string>][] = [
  ['the platform', () => readFile('schema/supergraph.graphql', 'utf8')],
  ['a shop with every kind of federation', async () => composeSupergraph(shopSubgraphs())],
];

for (const [name, sdl] of supergraphs)
  test(`all plans over ${name} are sound, and checking them costs little`, async (t) => {
    const state = createSupergraphState(await sdl());
    const random = seededRandom(SEED);
    let [planningMs, checkingMs] = [0, 0];
    for (let i = 0; i < CASES; i++) {
      // What @defer leads to is planned once variables have decided its conditions.
      const text = randomOperation(state.apiSchema, random, { maxDepth: 3, without: new Set() });
      const query = text.replaceAll(/@defer(\(if: \$\w+\))?/g, '');
      const begunMs = performance.now();
      const { plan, check } = planOf(state, query);
      const plannedMs = performance.now();
      const problem = check(plan);
      checkingMs += performance.now() - plannedMs;
      planningMs += plannedMs - begunMs;
      assert.equal(problem, null, `SEED=${SEED}, case ${i}: ${query}`);
    }
    const share = Math.round((100 * checkingMs) / planningMs);
    t.diagnostic(`SEED=${SEED}: planning ${(planningMs / CASES).toFixed(2)} ms, checking ${share} % of that`);
  });
