import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CodedError } from '#platform/errors.ts';
import type { HttpListener } from '#platform/http.ts';
import { createMetrics } from '#platform/metrics.ts';
import { serveSubgraph } from '#platform/serve-subgraph.ts';
import { signViewer, VIEWER_HEADER } from '#platform/viewer.ts';
import { connectSocket, openSocket } from '../support/graphql-ws-client.ts';
import { openRaw, rawAnswer, readUntil } from '../support/raw-http.ts';
import { recordingLog } from '../support/recording-log.ts';
import { TINY_SECRET, tinySubgraph } from '../support/tiny-subgraph.ts';

const { log } = recordingLog();
const { endpoint, topics } = tinySubgraph(log);
const serve = () =>
  serveSubgraph({ endpoint, host: '127.0.0.1', port: 0, checks: {}, metrics: createMetrics('tiny'), log });
let listener: HttpListener;
let base: string;
before(async () => {
  listener = await serve();
  base = `http://127.0.0.1:${listener.port}`;
});
after(() => listener.close());

const viewerHeaders = (userId: string) => ({
  [VIEWER_HEADER]: signViewer({ userId, sessionId: 'ses_1', roles: [] }, TINY_SECRET),
});

const subscribe = (id: string, query: string, headers?: Record<string, string>) => ({
  id,
  type: 'subscribe',
  payload: { query, ...(headers && { extensions: { headers } }) },
});
const tick = (of: string) => `subscription { ticks(of: "${of}") { value viewer } }`;

describe('a subgraph over graphql-transport-ws', () => {
  /** Waits until the subgraph listens; messages of one socket are handled in order, so an answered query comes behind. */
  async function settled(client: Awaited<ReturnType<typeof connectSocket>>): Promise<void> {
    client.send(subscribe('settled', '{ context }'));
    assert.deepEqual([(await client.next()).type, (await client.next()).type], ['next', 'complete']);
  }

  it('serves two callers on one socket, each with the headers of its operation', async () => {
    const client = await connectSocket(base);
    client.send(subscribe('1', tick('one'), viewerHeaders('usr_1')));
    client.send(subscribe('2', tick('two'), viewerHeaders('usr_2')));
    client.send(subscribe('3', tick('three')));
    await settled(client);
    const seen: unknown[] = [];
    for (const topic of ['two', 'three', 'one']) {
      topics.emit(topic, topic);
      const { id, payload } = await client.next();
      seen.push([id, (payload as { data: { ticks: unknown } }).data.ticks]);
    }
    assert.deepEqual(seen, [
      ['2', { value: 'two', viewer: 'usr_2' }],
      ['3', { value: 'three', viewer: null }],
      ['1', { value: 'one', viewer: 'usr_1' }],
    ]);
    await client.close();
  });

  it('answers a refused subscription and an invalid one with a code', async () => {
    const client = await connectSocket(base);
    const wrong = {
      'subscription { mine(of: "x") { value } }': 'UNAUTHENTICATED',
      'subscription { nothing }': 'GRAPHQL_VALIDATION_FAILED',
      'subscription {': 'GRAPHQL_PARSE_FAILED',
    };
    for (const [query, code] of Object.entries(wrong)) {
      client.send(subscribe(query, query));
      const { type, payload } = await client.next();
      assert.equal(type, 'error');
      assert.match(JSON.stringify(payload), new RegExp(`"code":"${code}"`));
    }
    await settled(client);
    await client.close();
  });

  it('tells of a failing source without its words, and does not complete', async () => {
    const client = await connectSocket(base);
    client.send(subscribe('1', tick('fails')));
    await settled(client);
    topics.fail('fails', new Error('hidden reason'));
    const { type, payload } = await client.next();
    assert.equal(type, 'error');
    assert.match(JSON.stringify(payload), /INTERNAL_SERVER_ERROR/);
    assert.doesNotMatch(JSON.stringify(payload), /hidden reason/);
    await settled(client);
    await topics.gone('fails');
    await client.close();
  });

  it('ends a subscription for a reason with the reason, behind its events, and lets its id be used again', async () => {
    const client = await connectSocket(base);
    client.send(subscribe('1', tick('reason')));
    await settled(client);
    topics.emit('reason', 'the last one');
    topics.fail('reason', new CodedError('FORBIDDEN', 'You were removed from this room.'));
    assert.deepEqual(await client.next(), {
      id: '1',
      type: 'next',
      payload: { data: { ticks: { value: 'the last one', viewer: null } } },
    });
    assert.deepEqual(await client.next(), {
      id: '1',
      type: 'error',
      payload: [{ message: 'You were removed from this room.', extensions: { code: 'FORBIDDEN' } }],
    });
    client.send(subscribe('1', tick('again')));
    await settled(client);
    topics.emit('again', 'x');
    assert.equal((await client.next()).type, 'next');
    await client.close();
  });

  it('closes a socket that sends garbage with a code of the protocol, and serves others on', async () => {
    const frames: [string | Buffer, number][] = [
      ['garbage', 4400],
      ['{}', 4400],
      ['null', 4400],
      [Buffer.from([0xff, 0xfe]), 4400],
      [JSON.stringify({ type: 'subscribe', id: '1', payload: {} }), 4400],
      [JSON.stringify({ type: 'subscribe', id: '1', payload: { query: 5 } }), 4400],
      [JSON.stringify({ type: 'connection_init' }), 4429],
    ];
    for (const [frame, code] of frames) {
      const client = await connectSocket(base);
      client.send(frame);
      assert.equal((await client.closed).code, code, String(frame));
    }
    const early = await openSocket(base);
    early.send(subscribe('1', tick('x')));
    assert.equal((await early.closed).code, 4401);
    const foreign = await openSocket(base, { protocol: '' });
    assert.equal((await foreign.closed).code, 4406);
    const client = await connectSocket(base);
    await settled(client);
    await client.close();
  });

  it('closes a socket whose message is too large', async () => {
    const client = await connectSocket(base);
    client.send(subscribe('1', `# ${'x'.repeat(1024 * 1024)}`));
    assert.equal((await client.closed).code, 1009);
  });

  it('survives bytes that are no WebSocket frame', async () => {
    const socket = await openRaw(
      listener.port,
      'GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n' +
        'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n',
    );
    await readUntil(socket, '\r\n\r\n');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    socket.resume();
    await closed;
    assert.match(
      await rawAnswer(
        listener.port,
        'GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
      ),
      / 400 /,
    );
  });

  it('frees a subscription when its client completes it or goes away', async () => {
    const client = await connectSocket(base);
    client.send(subscribe('1', tick('completed')));
    client.send(subscribe('2', tick('dropped')));
    await settled(client);
    client.send({ id: '1', type: 'complete' });
    await settled(client);
    // The event lets the waiting source see that it has no reader any more.
    topics.emit('completed', 'unread');
    await topics.gone('completed');
    client.socket.terminate();
    await client.closed;
    const left = topics.gone('dropped');
    const wake = setInterval(() => topics.emit('dropped', 'unread'), 10);
    await left.finally(() => clearInterval(wake));
  });
});

describe('closing a served subgraph', () => {
  it('closes sockets with 1001 and completes no subscription, so that whoever follows them takes them up elsewhere', async () => {
    const own = await serve();
    const client = await connectSocket(`http://127.0.0.1:${own.port}`);
    const heard: unknown[] = [];
    client.socket.on('message', (data) => heard.push(JSON.parse(data.toString())));
    const ids = ['idle', 'busy', 'failing', 'opening'];
    for (const id of ids.slice(0, 3)) client.send(subscribe(id, tick(`closing ${id}`)));
    client.send(subscribe('q', '{ context }'));
    while (heard.length < 2) await client.next();
    const left = ids.slice(0, 3).map((id) => topics.gone(`closing ${id}`));
    client.send(subscribe('opening', tick('closing opening')));
    topics.emit('closing busy', 'under way');
    const closing = own.close();
    topics.fail('closing failing', new CodedError('FORBIDDEN', 'Not any more.'));
    // Their generators wait for an event before they see that nobody reads them.
    for (const id of ids) topics.emit(`closing ${id}`, 'unread');
    await closing;
    assert.equal((await client.closed).code, 1001);
    assert.deepEqual(
      heard.slice(2).filter((message) => !JSON.stringify(message).includes('"next"')),
      [],
    );
    await Promise.all(left);
    await assert.rejects(openRaw(own.port), /ECONNREFUSED/);
  });

  it('cuts off a client that does not answer the close', async () => {
    const own = await serve();
    const client = await connectSocket(`http://127.0.0.1:${own.port}`);
    client.socket.pause();
    await own.close(1);
    client.socket.terminate();
    await client.closed;
  });
});
