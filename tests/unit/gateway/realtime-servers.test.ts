import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { RealtimeError } from '../../../clients/realtime/realtime-client.ts';
import { createTestClient, cursorsOf, FOLLOW, type Entry } from './realtime-kit.ts';
import { startSocketServer, type Conversation } from './socket-server.ts';

/** Acknowledges every socket, and leaves subscriptions to the test. */
const startServer = (t: TestContext, subscribed: (heard: Conversation, after: unknown) => void) =>
  startSocketServer(t, (heard) => {
    const { message, send } = heard;
    if (message.type === 'connection_init') send({ type: 'connection_ack' });
    if (message.type === 'subscribe') subscribed(heard, message.payload.variables?.['after']);
  });

describe('the realtime client, when its socket is closed', () => {
  test('with a code that says that another try is in vain, ends with it', async (t) => {
    for (const code of [1009, 4400, 4406, 4409]) {
      let subscriptions = 0;
      const { url } = await startServer(t, ({ count, close }) => {
        subscriptions = count;
        close(code);
      });
      await assert.rejects(createTestClient(t, { url }).subscribe<Entry>(FOLLOW).next(), (error: unknown) => {
        assert.ok(error instanceof RealtimeError);
        assert.equal(error.closeCode, code);
        return true;
      });
      assert.equal(subscriptions, 1);
    }
  });

  test('with any other code, waits and continues behind the last event', async (t) => {
    for (const code of [1000, 1001, 1011, 1013, 4408, 4429, 4500]) {
      const begun: unknown[] = [];
      const { url } = await startServer(t, ({ count, next, close }, after) => {
        begun.push(after);
        next(`c${count}`);
        if (count === 1) close(code);
      });
      const events = createTestClient(t, { url }).subscribe<Entry>(FOLLOW);
      assert.deepEqual(await cursorsOf(events, 2), ['c1', 'c2'], `code ${code}`);
      assert.deepEqual(begun, [undefined, 'c1']);
    }
  });

  test('continues all that ran on it, on one socket as before', async (t) => {
    const sockets = new Set<unknown>();
    const { url } = await startServer(t, ({ socket, count, next, close }, after) => {
      sockets.add(socket);
      next(`${String(after ?? '')}.${count}`);
      if (count === 2) close(1001);
    });
    const client = createTestClient(t, { url });
    const both = [client.subscribe<Entry>(FOLLOW), client.subscribe<Entry>(FOLLOW)];
    const take = async () => (await Promise.all(both.map((events) => cursorsOf(events, 1)))).flat();
    await take();
    assert.match((await take()).join(' '), /^\.1\.[34] \.2\.[34]$/, 'each behind its own last event');
    assert.equal(sockets.size, 2);
  });

  test('by nobody, but dead, leaves it for another one', async (t) => {
    const { url } = await startServer(t, ({ count, next }) => next(`c${count}`));
    const events = createTestClient(t, { url, keepAliveMs: 100 }).subscribe<Entry>(FOLLOW);
    assert.deepEqual(await cursorsOf(events, 3), ['c1', 'c2', 'c3']);
  });

  test('by nobody, and busy, though it answers no ping, stays on it', async (t) => {
    const KEEP_ALIVE_MS = 300;
    let subscriptions = 0;
    const { url } = await startServer(t, ({ message, send, next }) => {
      subscriptions += 1;
      const startedAtMs = performance.now();
      const go = (number: number) => {
        next(`c${number}`);
        if (performance.now() - startedAtMs < 3 * KEEP_ALIVE_MS) setImmediate(go, number + 1);
        else send({ type: 'complete', id: 'id' in message ? message.id : '' });
      };
      go(1);
    });
    const client = createTestClient(t, { url, keepAliveMs: KEEP_ALIVE_MS, maxBufferedEvents: Infinity });
    for await (const { data } of client.subscribe<Entry>(FOLLOW)) assert.ok(data);
    assert.equal(subscriptions, 1);
  });

  test('is not even opened, leaves it for another server', async (t) => {
    const silent = createTcpServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    t.after(() => silent.close());
    const { port } = silent.address() as AddressInfo;
    const { url } = await startServer(t, ({ next }) => next('c1'));
    const errors: unknown[] = [];
    const client = createTestClient(t, {
      url: [`http://127.0.0.1:${port}`, url],
      keepAliveMs: 100,
      onRetry: ({ closeCode }) => void errors.push(closeCode),
    });
    assert.deepEqual(await cursorsOf(client.subscribe<Entry>(FOLLOW), 1), ['c1']);
    assert.equal(errors[0], 4499);
  });

  test('by its client, is closed at once, and a while later where only nothing runs on it any more', async (t) => {
    const ends: string[] = [];
    const bothEnded = Promise.withResolvers<void>();
    const open = async (name: string) => {
      const completed = Promise.withResolvers<void>();
      const { url } = await startSocketServer(t, ({ message, socket, send, next }) => {
        if (message.type === 'connection_init') send({ type: 'connection_ack' });
        if (message.type === 'complete') completed.resolve();
        if (message.type !== 'subscribe') return;
        socket.once('close', () => ends.push(name) === 2 && bothEnded.resolve());
        next('c1');
      });
      const client = createTestClient(t, { url });
      const events = client.subscribe<Entry>(FOLLOW);
      await cursorsOf(events, 1);
      return { client, events, completed: completed.promise };
    };
    const left = await open('left');
    await left.events.return();
    await left.completed;
    (await open('closed')).client.close();
    await bothEnded.promise;
    assert.deepEqual(ends, ['closed', 'left']);
  });

  test('goes on at the next address, and comes round to the first', async (t) => {
    const begun: string[] = [];
    const servers = ['a', 'b', 'c'].map((name) =>
      startServer(t, ({ next, close }, after) => {
        begun.push(`${name} behind ${String(after)}`);
        next(`c${begun.length}`);
        close(1001);
      }),
    );
    const url = (await Promise.all(servers)).map((server) => server.url);
    const events = createTestClient(t, { url }).subscribe<Entry>(FOLLOW);
    assert.deepEqual(await cursorsOf(events, 4), ['c1', 'c2', 'c3', 'c4']);
    assert.deepEqual(begun, ['a behind undefined', 'b behind c1', 'c behind c2', 'a behind c3']);
  });
});

describe('the realtime client, told that it must load anew', () => {
  const SLOW = { __typename: 'RoomResyncRequired', why: 'SLOW_CONSUMER' };
  const WITH_REASON = `subscription ($after: String) {
    log(after: $after) { place: cursor ... on RoomResyncRequired { why: reason } } }`;

  /** Cursors that a reader gets until the server ends it, and the positions that were asked for. */
  async function read(t: TestContext, document: string, script: readonly (readonly object[])[]) {
    const begun: unknown[] = [];
    const { url } = await startServer(t, ({ message, count, send }, after) => {
      begun.push(after);
      const id = 'id' in message ? message.id : '';
      for (const log of script[count - 1] ?? []) send({ type: 'next', id, payload: { data: { log } } });
      if (count === script.length) send({ type: 'complete', id });
    });
    const given: unknown[] = [];
    const waits: string[] = [];
    const onRetry = ({ message }: RealtimeError) => void waits.push(message);
    const events = createTestClient(t, { url, onRetry }).subscribe<{ log: { place: string } }>(document, {
      after: 'c0',
    });
    for await (const { data } of events) given.push(data?.log.place);
    return { begun, given, waits };
  }
  const line = (place: string) => ({ __typename: 'Line', place });

  test('because it read too slowly, takes the subscription up again behind its last event', async (t) => {
    const { begun, given, waits } = await read(t, WITH_REASON, [
      [{ ...SLOW, place: 'c4' }],
      [line('c1'), { ...SLOW, place: 'c4' }, line('c5')],
      [line('c2'), line('c3'), line('c4')],
    ]);
    assert.deepEqual(given, ['c1', 'c2', 'c3', 'c4']);
    assert.deepEqual(begun, ['c0', 'c0', 'c1']);
    assert.equal(waits.length, 1, 'where it has not come any further it does not try at once');
  });

  test('for another reason, gives that to its reader and goes on behind it', async (t) => {
    const { begun, given } = await read(t, WITH_REASON, [
      [line('c1'), { ...SLOW, why: 'EPOCH_CHANGED', place: 'e0' }, line('e1')],
    ]);
    assert.deepEqual(given, ['c1', 'e0', 'e1']);
    assert.deepEqual(begun, ['c0']);
  });

  test('for a reason that was not asked for, believes it where it is the answer to its position', async (t) => {
    const { begun, given } = await read(
      t,
      'subscription ($after: String) { log(after: $after) { ...Line } } fragment Line on Line { place: cursor }',
      [
        [line('c1'), { __typename: 'ResyncRequired', place: 'c9' }],
        [{ __typename: 'ResyncRequired', place: 'c9' }, line('c10')],
      ],
    );
    assert.deepEqual(given, ['c1', 'c9', 'c10']);
    assert.deepEqual(begun, ['c0', 'c1']);
  });
});

describe('the realtime client, when its event stream', () => {
  /** Answers requests, the `count`th of all, as a test says. */
  async function startStreamServer(
    t: TestContext,
    answer: (response: ServerResponse, count: number) => void,
  ) {
    let count = 0;
    const server = createServer((_request, response) => answer(response, ++count));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const eventOf = (count: number) => `event: next\ndata: {"data":{"log":{"cursor":"c${count}"}}}\n\n`;
  const stream = (response: ServerResponse, count: number) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(eventOf(count));
  };

  test('goes silent, drops it for another one', async (t) => {
    const url = await startStreamServer(t, stream);
    const client = createTestClient(t, { url, transport: 'sse', keepAliveMs: 100 });
    assert.deepEqual(await cursorsOf(client.subscribe<Entry>(FOLLOW), 3), ['c1', 'c2', 'c3']);
  });

  test('is refused for now, waits, and for good, ends', async (t) => {
    const statuses = [503, 429, 408, 404];
    const retried: unknown[] = [];
    const url = await startStreamServer(t, (response, count) =>
      response.writeHead(statuses[count - 1] ?? 500).end(),
    );
    const onRetry = ({ status }: RealtimeError) => void retried.push(status);
    const client = createTestClient(t, { url, transport: 'sse', onRetry });
    await assert.rejects(client.subscribe(FOLLOW).next(), (error: unknown) => {
      assert.ok(error instanceof RealtimeError);
      assert.equal(error.status, 404);
      return true;
    });
    assert.deepEqual(retried, [503, 429, 408]);
  });

  test('is lost with others, goes where they go', async (t) => {
    const asked = [0, 0, 0];
    const both = Promise.withResolvers<void>();
    const servers = asked.map((_, index) =>
      startStreamServer(t, async (response) => {
        if (++asked[index]! === 2) both.resolve();
        if (index > 0) return stream(response, index);
        await both.promise;
        response.writeHead(503).end();
      }),
    );
    const client = createTestClient(t, { url: await Promise.all(servers), transport: 'sse' });
    const follow = () => cursorsOf(client.subscribe<Entry>(FOLLOW), 1);
    assert.deepEqual(await Promise.all([follow(), follow()]), [['c1'], ['c1']]);
    assert.deepEqual(asked, [2, 2, 0]);
  });

  test('ends together with its last events, and not with its subscription, follows on', async (t) => {
    const AT_ONCE = 20;
    let count = 0;
    // Over a network the end may come a moment later.
    const fetch = async () => {
      const events = Array.from({ length: AT_ONCE }, () => eventOf(++count));
      return new Response(events.join(''), { headers: { 'content-type': 'text/event-stream' } });
    };
    const client = createTestClient(t, { url: 'http://nowhere.invalid', transport: 'sse', fetch });
    const seen = await cursorsOf(client.subscribe<Entry>(FOLLOW), 3 * AT_ONCE);
    assert.deepEqual(
      seen,
      seen.map((_, index) => `c${index + 1}`),
    );
  });
});
