import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { SortedIds } from '../../media-server/domain/sorted-ids.ts';
import { seededRandom } from '../support/random.ts';

const SEED = randomInt(2 ** 31);
const STEPS = 2_000;
const IDS = 200;
const PAGE = 7;

test(`Ids that are kept in order are paged as a sorted list would be (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  const anyId = () => `id-${Math.floor(random() * IDS)}`;
  const ids = new SortedIds();
  const model = new Set<string>();
  for (let step = 0; step < STEPS; step++) {
    const id = anyId();
    if (random() < 0.6) {
      ids.add(id);
      model.add(id);
    } else {
      ids.remove(id);
      model.delete(id);
    }
    assert.equal(ids.size, model.size);
    const after = step % 5 === 0 ? '' : anyId();
    const behind = [...model].filter((one) => one > after).toSorted();
    assert.deepEqual(ids.behind(after, PAGE), behind.slice(0, PAGE));
  }
});
