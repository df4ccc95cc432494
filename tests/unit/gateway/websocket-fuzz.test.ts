import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Socket } from 'node:net';
import { isResultStream } from '#platform/subgraph-endpoint.ts';
import { connectSocket, openSocket, type SocketClient } from '../../support/graphql-ws-client.ts';
import { seededRandom } from '../../support/random.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { startFakeGateway, type FakeGateway, post } from './fake-gateway.ts';
import type { FakeUpstream } from './fake-engine.ts';

const SEED = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const SOCKETS = 250;
const REQUESTS = 250;
const MAX_STEPS = 20;
const MAX_MESSAGE_BYTES = 5_000;
/** Twice this long a socket may be silent. Both ends are in this process: one that is not stuck answers. */
const KEEP_ALIVE_MS = 500;

/** What the gateway may close a socket with: RFC 6455's codes for broken frames, and the protocol's own. */
const CLOSE_CODES = [1002, 1007, 1009, 4400, 4401, 4409, 4429];

const random = seededRandom(SEED);
const below = (limit: number) => Math.floor(random() * limit);
const pick = <T>(...choices: [T, ...T[]]): T => choices[below(choices.length)] ?? choices[0];
const bytes = (length: number) => Buffer.from(Array.from({ length }, () => below(256)));

const query = () =>
  pick<unknown>(
    'subscription { ticks }',
    'subscription { refused }',
    '{ hello }',
    '{ broken }',
    '{ hanging }',
    'mutation { rename(name: "x") }',
    '{',
    '{ missing }',
    '',
    7,
    null,
    ['{ hello }'],
    'subscription { a: ticks b: ticks }',
    '{ __proto__: hello }',
    '#'.repeat(100),
  );

const value = () =>
  pick<unknown>(
    undefined,
    null,
    {},
    [],
    'x',
    0,
    { a: { b: [1, null] } },
    { constructor: 1 },
    bytes(8).toString(),
  );

const id = () => pick<unknown>('a', 'b', 'c', '', 1, null, '__proto__', 'x'.repeat(200));

function message(): string {
  const type = pick<unknown>(
    ...(['connection_init', 'subscribe', 'subscribe', 'subscribe', 'complete', 'ping', 'pong'] as const),
    ...(['next', 'error', 'connection_ack', 'start', null, 4, {}] as const),
  );
  const payload =
    type === 'subscribe' ? { query: query(), variables: value(), extensions: value() } : value();
  return JSON.stringify({ type, id: id(), payload });
}

/** The text with some of its characters replaced, left out or repeated. */
function damaged(text: string): string {
  const at = below(text.length + 1);
  const rest = text.slice(at + below(3));
  return text.slice(0, at) + pick('', '"', '}', '\0', '\u{1f600}', '[[[', rest) + rest;
}

const rawOf = ({ socket }: SocketClient) => (socket as unknown as { _socket: Socket | null })._socket;

type Step = (client: SocketClient) => unknown;

const tick = () => new Promise(setImmediate);

const harmless: readonly [Step, ...Step[]] = [
  (client) => client.send({ type: 'subscribe', id: nextId(), payload: { query: query() } }),
  (client) => client.send({ type: 'subscribe', id: nextId(), payload: { query: 'subscription { ticks }' } }),
  (client) => client.send({ type: 'complete', id: pick('a', 'b', String(below(100))) }),
  (client) => client.send({ type: 'ping', payload: { at: below(100) } }),
  (client) => client.socket.ping(bytes(below(125))),
  (client) => client.socket.pong(bytes(below(125))),
  (client) => client.socket.pause(),
  (client) => client.socket.resume(),
  tick,
  tick,
];

/** Those who may have begun a frame that never ends: nothing that they send after that is heard. */
const unheard = new WeakSet<SocketClient>();

function writeRaw(client: SocketClient): void {
  unheard.add(client);
  rawOf(client)?.write(bytes(1 + below(20)));
}

const offensive: readonly [Step, ...Step[]] = [
  (client) => client.send({ type: 'connection_init' }),
  (client) => client.send({ type: 'subscribe', id: pick('a', 'b'), payload: { query: query() } }),
  (client) => client.send(message()),
  (client) => client.send(damaged(message())),
  (client) =>
    client.send(pick('', '[]', 'null', '0', '{"type":"ping","type":"subscribe"}', '['.repeat(2_000))),
  (client) => client.send(bytes(below(50))),
  (client) => client.send({ type: 'ping', payload: { text: 'x'.repeat(below(2 * MAX_MESSAGE_BYTES)) } }),
  (client) => client.socket.send('{"type":', { fin: false }),
  writeRaw,
  // A text frame that is not UTF-8: final, masked with zeros.
  (client) => rawOf(client)?.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28])),
];

let ids = 0;
const nextId = () => String((ids += 1));

/** Says what comes to its mind, and leaves one way or another. Resolves with the code that the gateway closed with, null where the client went. */
async function misbehave(url: string): Promise<number | null> {
  const client = random() < 0.8 ? await connectSocket(url) : await openSocket(url);
  for (let left = below(MAX_STEPS); left > 0 && client.socket.readyState === client.socket.OPEN; left -= 1)
    await pick(...(random() < 0.85 ? harmless : offensive))(client);
  client.socket.resume();
  const leave = pick<(() => void) | null>(
    ...([null, null, null] as const),
    () => client.socket.terminate(),
    () => rawOf(client)?.resetAndDestroy(),
    () => client.socket.close(pick(1000, 1001, 3000, 4999), 'bye'),
  );
  leave?.();
  // One that stays and has given no offence would stay for ever: this gives one.
  if (!leave && client.socket.readyState === client.socket.OPEN) client.send('garbage');
  const { code } = await client.closed;
  // Silence ends without a handshake.
  return leave || (code === 1006 && unheard.has(client)) ? null : code;
}

describe(`an attacker (TEST_SEED=${SEED})`, () => {
  const { log, count } = recordingLog();
  let gateway: FakeGateway;
  /** Those that their source did not end. */
  const upstreams: FakeUpstream[] = [];
  before(async () => {
    gateway = await startFakeGateway({
      log,
      socketLimits: {
        maxMessageBytes: MAX_MESSAGE_BYTES,
        maxOperations: 3,
        keepAliveMs: KEEP_ALIVE_MS,
        sweepMs: 50,
      },
    });
    const { engine } = gateway;
    const { subscribe } = engine;
    engine.subscribe = async (request, scope) => {
      const stream = await subscribe(request, scope);
      if (!isResultStream(stream)) return stream;
      const upstream = await engine.nextUpstream();
      for (let events = below(4); events > 0; events -= 1) upstream.push(bytes(10).toString());
      if (random() < 0.2) upstream.end();
      else upstreams.push(upstream);
      return stream;
    };
  });
  after(() => gateway.close());

  /** Everything that the attackers held is given back, and others are served. */
  async function unharmed() {
    await Promise.all(upstreams.map(({ returned }) => returned));
    await untilNone('gateway_open_sockets');
    await untilNone('gateway_active_subscriptions');
    assert.deepEqual((await post(gateway, { query: '{ hello }' })).body.data, { hello: 'Hello, world' });
  }

  async function untilNone(gauge: string) {
    const none = new RegExp(`^${gauge}{[^}]*} 0$`, 'm');
    while (!none.test(await gateway.metrics.metrics())) await tick();
  }

  test('gets a close code of the protocol for whatever it sends, and leaves no socket and no subscription behind', async () => {
    for (let at = 0; at < SOCKETS; at += 10) {
      const codes = await Promise.all(Array.from({ length: 10 }, () => misbehave(gateway.url)));
      for (const code of codes) assert.ok(code === null || CLOSE_CODES.includes(code), `closed with ${code}`);
    }
    await unharmed();
    assert.equal(count('error'), 0);
    assert.ok(upstreams.length > SOCKETS / 20, `only ${upstreams.length} subscriptions began`);
  });

  test('gets a coded answer for whatever it posts, and leaves no stream behind', async () => {
    for (let at = 0; at < REQUESTS; at += 10)
      await Promise.all(Array.from({ length: 10 }, () => postNonsense(gateway.url)));
    await unharmed();
    assert.equal(count('error'), 0);
  });
});

async function postNonsense(url: string): Promise<void> {
  const gone = new AbortController();
  const asked = query();
  const text = JSON.stringify({
    // Nobody could wait for the answer of one that hangs.
    query: asked === '{ hanging }' ? '{ hello }' : asked,
    variables: value(),
    extensions: value(),
    operationName: id(),
  });
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    signal: gone.signal,
    headers: {
      'content-type': pick(
        'application/json',
        'application/json',
        'text/plain',
        'application/json; charset=x',
      ),
      accept: pick('text/event-stream', 'text/event-stream', '*/*', 'text/event-stream;q=0', 'x/y', ',;='),
    },
    body: random() < 0.5 ? text : damaged(text),
  });
  assert.ok([200, 400, 406, 415].includes(response.status), `${response.status} for ${text}`);
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
    const reader = response.body?.getReader();
    await reader?.read();
    gone.abort();
    await reader?.closed.catch(() => undefined);
  } else {
    const { errors } = (await response.json()) as Awaited<ReturnType<typeof post>>['body'];
    for (const { extensions } of errors ?? []) assert.equal(typeof extensions['code'], 'string');
  }
}
