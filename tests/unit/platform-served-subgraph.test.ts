import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { HttpListener } from '#platform/http.ts';
import { createMetrics } from '#platform/metrics.ts';
import { serveSubgraph } from '#platform/serve-subgraph.ts';
import { signViewer, VIEWER_HEADER } from '#platform/viewer.ts';
import { connectSocket, openSocket } from '../support/graphql-ws-client.ts';
import { openRaw, rawAnswer, readUntil } from '../support/raw-http.ts';
import { recordingLog } from '../support/recording-log.ts';
import { TINY_SECRET, tinySubgraph } from '../support/tiny-subgraph.ts';

const logged = recordingLog();
const { endpoint, topics } = tinySubgraph(logged.log);
const serve = () =>
  serveSubgraph({
    endpoint,
    host: '127.0.0.1',
    port: 0,
    checks: { database: () => database() },
    metrics: createMetrics('tiny'),
    log: logged.log,
  });
let database: () => Promise<unknown> = () => Promise.resolve();
let listener: HttpListener;
let base: string;
before(async () => {
  listener = await serve();
  base = `http://127.0.0.1:${listener.port}`;
});
after(() => listener.close());

const post = (body: string | FormData, headers: Record<string, string> = {}) =>
  fetch(`${base}/graphql`, { method: 'POST', body, headers });
const codeOf = async (response: Response): Promise<unknown> => {
  const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
  return errors[0]?.extensions.code;
};
const viewerHeaders = (userId: string) => ({
  [VIEWER_HEADER]: signViewer({ userId, sessionId: 'ses_1', roles: [] }, TINY_SECRET),
});

describe('a subgraph over HTTP', () => {
  it('answers operations for the viewer of the header', async () => {
    const response = await post(JSON.stringify({ query: '{ whoAmI }' }), viewerHeaders('usr_1'));
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { data: { whoAmI: 'usr_1' } });
  });

  it('refuses what is no GraphQL request', async () => {
    for (const body of ['', '{', 'null', '[]', '{}', '{"query":5}', '{"query":"{mood}","variables":[]}']) {
      const response = await post(body);
      assert.deepEqual([response.status, await codeOf(response)], [400, 'BAD_REQUEST'], body);
    }
  });

  it('refuses a body over its limit', async () => {
    const response = await post(JSON.stringify({ query: 'x'.repeat(9 * 1024 * 1024) }));
    assert.deepEqual([response.status, await codeOf(response)], [413, 'PAYLOAD_TOO_LARGE']);
  });

  it('serves its health, and says which dependency is away', async () => {
    assert.equal((await fetch(`${base}/health/live`)).status, 200);
    assert.equal((await fetch(`${base}/health/ready`)).status, 200);
    database = () => Promise.reject(new Error('gone fishing'));
    const response = await fetch(`${base}/health/ready`);
    database = () => Promise.resolve();
    assert.equal(response.status, 503);
    assert.deepEqual(await response.json(), { status: 'not ready', checks: { database: 'gone fishing' } });
  });

  it('serves its metrics with the name of the service', async () => {
    const response = await fetch(`${base}/metrics`);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain/);
    assert.match(await response.text(), /process_cpu_seconds_total\{service="tiny"\}/);
  });
});

describe('an upload to a subgraph', () => {
  const form = (operations: unknown, map: unknown, file?: Blob): FormData => {
    const body = new FormData();
    if (operations !== undefined) body.set('operations', JSON.stringify(operations));
    if (map !== undefined) body.set('map', JSON.stringify(map));
    if (file) body.set('0', file, 'söng.txt');
    return body;
  };
  const operation = {
    query: 'mutation ($file: Upload!) { upload(file: $file) }',
    variables: { file: null },
  };
  const map = { 0: ['variables.file'] };

  it('reaches the resolver as a stream with its name', async () => {
    const content = 'la '.repeat(200_000);
    const response = await post(form(operation, map, new Blob([content])));
    assert.ok((await response.text()) === JSON.stringify({ data: { upload: `söng.txt: ${content}` } }));
  });

  it('that is not made as the specification says is refused', async () => {
    const file = new Blob(['x']);
    const wrong = [
      form(undefined, undefined),
      form(undefined, map, file),
      form(operation, undefined, file),
      form(operation, { 0: ['variables.__proto__.x'] }, file),
      form(operation, { 0: 'variables.file' }, file),
      form('text', map, file),
      form([operation], { 0: ['0.variables.file'] }, file),
    ];
    for (const body of wrong) assert.equal(await codeOf(await post(body)), 'BAD_REQUEST');
    const empty = await post('x', { 'content-type': 'multipart/form-data' });
    assert.deepEqual([empty.status, await codeOf(empty)], [400, 'BAD_REQUEST']);
  });

  it('that no resolver reads does not block the connection', async () => {
    const invalid = { ...operation, query: 'mutation ($file: Upload!) { nothing(file: $file) }' };
    for (let round = 0; round < 3; round += 1) {
      const response = await post(form(invalid, map, new Blob(['x'.repeat(5_000_000)])));
      assert.equal(await codeOf(response), 'GRAPHQL_VALIDATION_FAILED');
    }
  });

  it('of too many files is refused', async () => {
    const many = Object.fromEntries(Array.from({ length: 6 }, (_, index) => [index, ['variables.file']]));
    const response = await post(form(operation, many, new Blob(['x'])));
    assert.deepEqual([response.status, await codeOf(response)], [413, 'PAYLOAD_TOO_LARGE']);
  });

  it('without the file it announced fails with an error, and does not hang', async () => {
    const response = await post(form(operation, map));
    assert.equal(typeof (await codeOf(response)), 'string');
  });
});

describe('a subgraph over graphql-transport-ws', () => {
  const subscribe = (id: string, query: string, headers?: Record<string, string>) => ({
    id,
    type: 'subscribe',
    payload: { query, ...(headers && { extensions: { headers } }) },
  });
  const tick = (of: string) => `subscription { ticks(of: "${of}") { value viewer } }`;

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
      const text = JSON.stringify((await client.next()).payload);
      assert.match(text, new RegExp(`"code":"${code}"`));
      if (code !== 'GRAPHQL_PARSE_FAILED') assert.equal((await client.next()).type, 'complete');
    }
    await client.close();
  });

  it('tells of a failing source without its words, and completes', async () => {
    const client = await connectSocket(base);
    client.send(subscribe('1', tick('fails')));
    await settled(client);
    topics.fail('fails', new Error('hidden reason'));
    const { type, payload } = await client.next();
    assert.equal(type, 'next');
    assert.match(JSON.stringify(payload), /INTERNAL_SERVER_ERROR/);
    assert.doesNotMatch(JSON.stringify(payload), /hidden reason/);
    assert.equal((await client.next()).type, 'complete');
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
  it('ends open subscriptions with 1001 and frees the port', async () => {
    const own = await serve();
    const client = await connectSocket(`http://127.0.0.1:${own.port}`);
    client.send({
      id: '1',
      type: 'subscribe',
      payload: { query: 'subscription { ticks(of: "x") { value } }' },
    });
    await own.close();
    assert.equal((await client.closed).code, 1001);
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
