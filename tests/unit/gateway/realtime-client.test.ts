import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RealtimeError, type RealtimeSubscription } from '../../../clients/realtime/realtime-client.ts';
import {
  createTestClient,
  cursorsOf,
  FOLLOW,
  MODES,
  RETRY,
  start,
  startBehindProxy,
  startLog,
  type Entry,
} from './realtime-kit.ts';
import { serveLog } from './served-log.ts';

const TICKS = 'subscription { ticks }';

for (const [name, mode] of Object.entries(MODES))
  describe(`the realtime client over ${name}`, () => {
    test('waits for a server that is away, and comes back with what it has missed', async (t) => {
      const failures = Promise.withResolvers<void>();
      let count = 0;
      const onRetry = () => ++count === 4 && failures.resolve();
      const { client, log, proxy } = await startLog(t, { ...mode, onRetry });
      log.append(2);
      const events = client.subscribe<Entry>(FOLLOW, { after: 'c0' });
      await cursorsOf(events, 2);
      const next = cursorsOf(events, 1);
      proxy.block();
      await failures.promise;
      log.append(1);
      proxy.open();
      assert.deepEqual(await next, ['c3']);
    });

    test('lets a subscription go that nobody reads, and takes it up behind what was read', async (t) => {
      const { client, log } = await startLog(t, { ...mode, maxBufferedEvents: 8 });
      log.append(100);
      const events = client.subscribe<Entry>(FOLLOW, { after: 'c0' });
      const seen = await cursorsOf(events, 1);
      await log.upstreams[0]?.returned;
      log.append(20);
      seen.push(...(await cursorsOf(events, 119)));
      assert.deepEqual(seen, log.cursors);
      // One was read, eight waited.
      assert.match(log.begun[1] ?? '', /^c[89]$/);
    });

    test('gives up with the error where the fresh token is refused, too', async (t) => {
      const reasons: string[] = [];
      const token = (reason: string) => (reasons.push(reason), 'garbage');
      const { client } = await start(t, { ...mode, token });
      await assert.rejects(client.subscribe(FOLLOW).next(), (error: unknown) => {
        assert.ok(error instanceof RealtimeError);
        assert.equal(error.closeCode ?? error.status, mode.transport === 'ws' ? 4403 : 401);
        return true;
      });
      assert.deepEqual(reasons, ['connect', 'renew']);
    });

    test('asks again where a token could not be had', async (t) => {
      let asked = 0;
      const token = () => {
        if (++asked === 1) throw new Error('no network');
        return null;
      };
      const problems: string[] = [];
      const { client, log } = await startLog(t, {
        ...mode,
        token,
        onRetry: ({ message }) => void problems.push(message),
      });
      log.append(1);
      assert.deepEqual(await cursorsOf(client.subscribe<Entry>(FOLLOW, { after: 'c0' }), 1), ['c1']);
      assert.deepEqual(problems, ['no network']);
    });

    test('ends with the error of an operation that the server refuses', async (t) => {
      const { client } = await start(t, mode);
      const refusals = [
        ['subscription { refused }', 'FORBIDDEN'],
        ['subscription { unknown }', 'GRAPHQL_VALIDATION_FAILED'],
      ] as const;
      for (const [document, code] of refusals)
        await assert.rejects(client.subscribe(document).next(), (error: unknown) => {
          assert.ok(error instanceof RealtimeError);
          assert.equal(error.errors[0]?.extensions?.['code'], code);
          return true;
        });
    });

    test('tries again where the failure passes, until it has tried often enough', async (t) => {
      const { client, gateway } = await start(t, { ...mode, retry: { ...RETRY, maxAttempts: 2 } });
      const next = assert.rejects(client.subscribe(TICKS).next(), /away/);
      for (let attempt = 0; attempt < 3; attempt++) {
        const upstream = await gateway.engine.nextUpstream();
        upstream.pushResult({ errors: [{ message: 'away', extensions: { code: 'SUBGRAPH_UNAVAILABLE' } }] });
        upstream.end();
      }
      await next;
    });

    test('begins anew what has no position, and ends when the server completes it', async (t) => {
      const { client, gateway, cut } = await start(t, mode);
      const events = client.subscribe<{ ticks: string }>(TICKS);
      const pending = [events.next(), events.next()] as const;
      const first = await gateway.engine.nextUpstream();
      first.push('1');
      assert.deepEqual((await pending[0]).value?.data, { ticks: '1' });
      cut();
      const second = await gateway.engine.nextUpstream();
      second.push('1');
      assert.deepEqual((await pending[1]).value?.data, { ticks: '1' });
      second.end();
      assert.equal((await events.next()).done, true);
    });

    test('hands on the event that tells that the log cannot continue, and goes on from there', async (t) => {
      const { client, gateway, cut } = await start(t, mode);
      const events = client.subscribe<Entry>(FOLLOW, { after: 'gone' });
      const [first, next] = [cursorsOf(events, 1), cursorsOf(events, 1)];
      const upstream = await gateway.engine.nextUpstream();
      upstream.pushResult({ data: { log: { __typename: 'ResyncRequired', cursor: 'c9' } } });
      assert.deepEqual(await first, ['c9']);
      cut();
      const continued = await gateway.engine.nextUpstream();
      assert.equal(continued.request.variables?.['after'], 'c9');
      continued.pushResult({ data: { log: { cursor: 'c9' } } });
      continued.pushResult({ data: { log: { cursor: 'c10' } } });
      assert.deepEqual(await next, ['c10'], 'what it has given already it does not give again');
    });

    test('refuses to follow a log whose cursors it does not get', async (t) => {
      const { client, gateway } = await start(t, mode);
      const next = assert.rejects(client.subscribe(FOLLOW).next(), /has to select `cursor`/);
      const upstream = await gateway.engine.nextUpstream();
      upstream.pushResult({ data: { log: { text: 'somewhere' } } });
      await next;
      await upstream.returned;
    });

    test('goes on at the next gateway when its own is drained', async (t) => {
      const [one, other] = [await startBehindProxy(t), await startBehindProxy(t)];
      const log = serveLog(one.gateway.engine, other.gateway.engine);
      const client = createTestClient(t, { ...mode, url: [one.url, other.url] });
      log.append(1);
      const events = client.subscribe<Entry>(FOLLOW, { after: 'c0' });
      const seen = await cursorsOf(events, 1);
      const next = cursorsOf(events, 1);
      await one.gateway.front.drain(0);
      log.append(1);
      seen.push(...(await next));
      assert.deepEqual(seen, log.cursors);
      assert.deepEqual(log.begun, ['c0', 'c1']);
    });

    test('ends at once when its reader or the client goes away, also while it waits', async (t) => {
      const { client, log } = await startLog(t, mode);
      // Without it the connection would end with the last subscription, whether that is told to the server or not.
      const other = client.subscribe<Entry>(FOLLOW).next();
      await log.nextUpstream();
      const ends = [(events: RealtimeSubscription<Entry>) => void events.return(), () => client.close()];
      for (const end of ends) {
        const events = client.subscribe<Entry>(FOLLOW);
        const next = events.next();
        const upstream = await log.nextUpstream();
        end(events);
        assert.equal((await next).done, true);
        await upstream.returned;
      }
      assert.equal((await other).done, true);
    });
  });
