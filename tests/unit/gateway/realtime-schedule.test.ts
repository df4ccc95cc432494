import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '../../support/random.ts';
import { createTestClient, cursorsOf, FOLLOW, MODES, startBehindProxy, type Entry } from './realtime-kit.ts';
import { serveLog } from './served-log.ts';

const SEED = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const STEPS = 400;

describe(`a log followed through whatever happens, at random (TEST_SEED=${SEED})`, () => {
  for (const [name, mode] of Object.entries(MODES))
    test(`comes over ${name} whole, in order and once`, async (t) => {
      const random = seededRandom(SEED);
      const upTo = (max: number) => 1 + Math.floor(random() * max);
      const [one, other] = [await startBehindProxy(t), await startBehindProxy(t)];
      const log = serveLog(one.gateway.engine, other.gateway.engine);
      const client = createTestClient(t, {
        ...mode,
        url: [one.url, other.url],
        retry: { minDelayMs: 1, maxDelayMs: 5 },
        maxBufferedEvents: 16,
      });
      const events = client.subscribe<Entry>(FOLLOW, { after: 'c0' });
      const seen: string[] = [];
      const happenings: Record<string, () => unknown> = {
        append: () => log.append(upTo(8)),
        flood: () => log.append(40),
        skip: () => log.skip(upTo(4)),
        refuse: () => log.refuse(upTo(4), 'SLOW_CONSUMER'),
        cut: () => (random() < 0.5 ? one : other).cut(),
        cutBoth: () => [one, other].map(({ cut }) => cut()),
        // The other one may be away, too.
        leave: () => (random() < 0.5 ? one : other).proxy.block(),
        comeBack: () => [one, other].map(({ proxy }) => proxy.open()),
        read: async () => {
          const missing = log.cursors.length - seen.length;
          [one, other].map(({ proxy }) => proxy.open());
          if (missing > 0) seen.push(...(await cursorsOf(events, upTo(missing))));
        },
        turn: () => new Promise((resolve) => setImmediate(resolve)),
      };
      const kinds = Object.values(happenings);
      for (let step = 0; step < STEPS; step++) await kinds[Math.floor(random() * kinds.length)]?.();
      for (const { proxy } of [one, other]) proxy.open();
      // What was skipped last is told of by what comes next.
      log.append(1);
      seen.push(...(await cursorsOf(events, log.cursors.length - seen.length)));
      assert.deepEqual(seen, log.cursors);
      assert.ok(new Set(log.begun).size > 10, 'it was interrupted at many places');
    });
});
