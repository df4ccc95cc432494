import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertSame, type Ask } from '../../support/federation/differential.ts';
import { VARIABLES } from '../../support/federation/random-arguments.ts';
import { randomOperation } from '../../support/federation/random-operation.ts';
import { randomSupergraph } from '../../support/federation/random-supergraph.ts';
import { subgraphsOver, type SharedData } from '../../support/federation/shared-data.ts';
import { SHOP_DATA, shopSubgraphs } from '../../support/federation/shop.ts';
import { composeSupergraph, type TestSubgraphs } from '../../support/federation/supergraph.ts';
import { WAYS, type Way } from '../../support/federation/ways.ts';
import { createSupergraphState } from '../../../gateway/engine/supergraph-state.ts';
import { seededRandom } from '../../support/random.ts';

const SEED = Number(process.env['SEED'] ?? 101);
/** For each way and each supergraph. */
const CASES = Number(process.env['CASES'] ?? 40);
const SUPERGRAPHS = 3;
/** So many operations are under way at the same time, each of them twice. */
const AT_ONCE = 5;

interface Supergraph {
  readonly subgraphs: TestSubgraphs;
  readonly sdl: string;
  readonly data: SharedData;
  readonly without: ReadonlySet<string>;
}

function supergraphs(): Supergraph[] {
  const random = seededRandom(SEED);
  const others = Array.from({ length: SUPERGRAPHS - 1 }, () => {
    const { sdls, data, isFederation1 } = randomSupergraph(random);
    const subgraphs = subgraphsOver(data, sdls, isFederation1);
    return { subgraphs, data, sdl: composeSupergraph(subgraphs), without: new Set<string>() };
  });
  const shop = shopSubgraphs();
  const without = new Set(['Box.label']);
  return [{ subgraphs: shop, data: SHOP_DATA, sdl: composeSupergraph(shop), without }, ...others];
}

describe('random operations answer as one schema would, whichever way they go', () => {
  const given = supergraphs();
  for (const way of WAYS)
    test(way.name, async (t) => {
      t.diagnostic(`SEED=${SEED}`);
      for (const supergraph of given) await checkAll(way, supergraph);
    });
});

async function checkAll(way: Way, { subgraphs, sdl, data, without }: Supergraph): Promise<void> {
  const random = seededRandom(SEED);
  const { apiSchema: schema } = createSupergraphState(sdl);
  const opened = await way.open(subgraphs, sdl);
  const differential = { schema, ask: twice(opened.ask), data, variables: VARIABLES };
  try {
    for (let begun = 0; begun < CASES; begun += AT_ONCE) {
      const operations = Array.from({ length: AT_ONCE }, () =>
        randomOperation(schema, random, { maxDepth: 3, without }),
      );
      await Promise.all(
        operations.map((text) => assertSame(differential, text, `SEED=${SEED}, ${way.name}\n${sdl}`)),
      );
    }
  } finally {
    await opened.close();
  }
}

/** Asks for the same twice at once, so that what may be shared is. */
const twice =
  (ask: Ask): Ask =>
  async (...operation) => {
    const [one, other] = await Promise.all([ask(...operation), ask(...operation)]);
    assert.equal(JSON.stringify(one?.data), JSON.stringify(other?.data));
    return one ?? assert.fail();
  };
