import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { SingleUse } from '#platform/single-use.ts';

export interface SingleUseCase {
  readonly name: string;
  readonly skip: string | false;
  /** Two users of one store. */
  open(): Promise<{ here: SingleUse; there: SingleUse }>;
}

const TTL_MS = 60_000;

export function testSingleUse({ name, skip, open }: SingleUseCase): void {
  describe(name, { skip }, () => {
    let here: SingleUse;
    let there: SingleUse;
    before(async () => void ({ here, there } = await open()));
    after(async () => {
      await here.close();
      await there.close();
    });

    it('grants one use, wherever the second one is tried', async () => {
      const id = randomUUID();
      assert.equal(await here.take(id, TTL_MS), true);
      assert.equal(await here.take(id, TTL_MS), false);
      assert.equal(await there.take(id, TTL_MS), false);
      assert.equal(await there.take(randomUUID(), TTL_MS), true);
    });

    it('grants one use to many who come at once', async () => {
      const id = randomUUID();
      const uses = await Promise.all(
        Array.from({ length: 40 }, (_, index) => (index % 2 ? here : there).take(id, TTL_MS)),
      );
      assert.equal(uses.filter((isFirst) => isFirst).length, 1);
    });

    it('forgets what cannot be used any more', async () => {
      const id = randomUUID();
      assert.equal(await here.take(id, 1), true);
      let isFirst = false;
      while (!isFirst) {
        await delay(2);
        isFirst = await here.take(id, 1);
      }
    });
  });
}
