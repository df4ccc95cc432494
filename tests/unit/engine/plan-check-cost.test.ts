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
  test(`all plans over ${name} are sound, also as they are narrowed, and checking them costs little`, async (t) => {
    const state = createSupergraphState(await sdl());
    const random = seededRandom(SEED);
    let [planningMs, checkingMs, narrowingMs, narrowedCount] = [0, 0, 0, 0];
    for (let i = 0; i < CASES; i++) {
      // What @defer leads to is planned once variables have decided its conditions.
      const text = randomOperation(state.apiSchema, random, { maxDepth: 3, without: new Set() });
      const query = text.replaceAll(/@defer(\(if: \$\w+\))?/g, '');
      const begunMs = performance.now();
      const { plan, check, narrow } = planOf(state, query);
      const plannedMs = performance.now();
      const problem = check(plan);
      const checkedMs = performance.now();
      const narrowed = narrow(plan);
      const narrowedProblem = narrowed === plan ? problem : check(narrowed);
      narrowingMs += performance.now() - checkedMs;
      narrowedCount += narrowed === plan ? 0 : 1;
      checkingMs += checkedMs - plannedMs;
      planningMs += plannedMs - begunMs;
      assert.deepEqual([problem, narrowedProblem], [null, null], `SEED=${SEED}, case ${i}: ${query}`);
    }
    const [checking, narrowing] = [checkingMs, narrowingMs].map((ms) => Math.round((100 * ms) / planningMs));
    const costs = `checking ${checking} % of that, narrowing ${narrowedCount} of ${CASES} plans ${narrowing} %`;
    t.diagnostic(`SEED=${SEED}: planning ${(planningMs / CASES).toFixed(2)} ms, ${costs}`);
  });
