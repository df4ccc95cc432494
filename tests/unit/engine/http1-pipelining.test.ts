import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { seededRandom } from '../../support/random.ts';
import { fetchOf, onRequests, startPeer } from './http1-peer.ts';

/** Queries that go out together over one connection, to peers that do with them what peers may do. */

const numberOf = (request: string) => /x-n: (\w+)/.exec(request)?.[1] ?? '';

const answerTo = (n: string, more = '') => {
  const body = JSON.stringify({ data: { n } });
  return `HTTP/1.1 200 OK\r\n${more}content-length: ${body.length}\r\n\r\n${body}`;
};
const resultOf = (n: string) => ({ data: { n } });

const numbered = (n: string, signal = new AbortController().signal) =>
  fetchOf('query', { headers: { 'x-n': n }, signal });

/** Keeps what each connection was asked; `serve` answers. */
function recording(asked: string[][], serve: (socket: Socket, n: string, connection: number) => void) {
  return (socket: Socket, connection: number) =>
    onRequests(socket, (request) => {
      const n = numberOf(request);
      (asked[connection - 1] ??= []).push(n);
      serve(socket, n, connection);
    });
}

test('queries made at the same time share connections, as many each as may, and get their own answers [seed printed]', async (context) => {
  const seed = Number(process.env['SEED'] ?? 11);
  context.diagnostic(`SEED=${seed}`);
  const random = seededRandom(seed);
  const asked: string[][] = [];
  const waiting = new Map<Socket, string>();
  // Answers are kept until all have asked, and leave in pieces that end anywhere.
  const serve = (socket: Socket, n: string) => {
    waiting.set(socket, (waiting.get(socket) ?? '') + answerTo(n));
    if (asked.flat().length < 10) return;
    for (const [to, text] of waiting) {
      for (let at = 0; at < text.length;) {
        const end = at + 1 + Math.floor(random() * 60);
        to.write(text.slice(at, end));
        at = end;
      }
    }
  };
  const peer = await startPeer(recording(asked, serve), { maxPipelined: 4 });
  const numbers = Array.from({ length: 10 }, (_, n) => `${n}`);
  const answers = await Promise.all(numbers.map((n) => peer.client.fetch(numbered(n))));
  assert.deepEqual(answers, numbers.map(resultOf));
  assert.deepEqual(
    asked.map((each) => each.length).toSorted((a, b) => a - b),
    [2, 4, 4],
  );
});

test('a query that is made later shares no connection with those that wait', async () => {
  const arrived = Promise.withResolvers<Socket>();
  const asked: string[][] = [];
  const serve = (socket: Socket, n: string) =>
    n === 'slow' ? arrived.resolve(socket) : socket.write(answerTo(n));
  const peer = await startPeer(recording(asked, serve), { maxPipelined: 4 });
  const slow = peer.client.fetch(numbered('slow'));
  const socket = await arrived.promise;
  assert.deepEqual(await peer.client.fetch(numbered('quick')), resultOf('quick'));
  socket.write(answerTo('slow'));
  assert.deepEqual(await slow, resultOf('slow'));
  assert.deepEqual(asked, [['slow'], ['quick']]);
});

test('mutations share nothing', async () => {
  const asked: string[][] = [];
  const peer = await startPeer(
    recording(asked, (socket, n) => socket.write(answerTo(n))),
    { maxPipelined: 4 },
  );
  const mutation = (n: string) => fetchOf('mutation', { headers: { 'x-n': n } });
  const both = await Promise.all([peer.client.fetch(mutation('1')), peer.client.fetch(mutation('2'))]);
  assert.deepEqual(both, [resultOf('1'), resultOf('2')]);
  assert.deepEqual(asked.flat().length, 2);
  assert.equal(peer.connections(), 2);
});

test('where a connection ends after some answers, the other queries are sent again, each alone', async () => {
  const asked: string[][] = [];
  const serve = (socket: Socket, n: string, connection: number) => {
    if (connection > 1) return void socket.write(answerTo(n));
    if (asked[0]?.length === 3) socket.end(answerTo('1'));
  };
  const peer = await startPeer(recording(asked, serve), { maxPipelined: 3 });
  const answers = await Promise.all(['1', '2', '3'].map((n) => peer.client.fetch(numbered(n))));
  assert.deepEqual(answers, ['1', '2', '3'].map(resultOf));
  assert.deepEqual(asked.toSorted(), [['1', '2', '3'], ['2'], ['3']]);
});

test('where an answer is the last of its connection, the other queries are sent again', async () => {
  const asked: string[][] = [];
  const serve = (socket: Socket, n: string, connection: number) => {
    if (connection > 1) socket.write(answerTo(n));
    else if (n === '1') socket.write(answerTo(n, 'connection: close\r\n'));
  };
  const peer = await startPeer(recording(asked, serve), { maxPipelined: 2 });
  const answers = await Promise.all(['1', '2'].map((n) => peer.client.fetch(numbered(n))));
  assert.deepEqual(answers, ['1', '2'].map(resultOf));
});

test('a query is not sent a third time', async () => {
  const asked: string[][] = [];
  const serve = (socket: Socket, _n: string, connection: number) => {
    if (connection > 1 || asked[0]?.length === 2) socket.destroy();
  };
  const peer = await startPeer(recording(asked, serve), { maxPipelined: 2 });
  const both = ['1', '2'].map((n) => peer.client.fetch(numbered(n)));
  await Promise.all(both.map((each) => assert.rejects(each, { code: 'SUBGRAPH_UNAVAILABLE' })));
  assert.deepEqual(asked, [['1', '2'], ['2']]);
});

test('what is wrong with one answer fails its query and no other', async () => {
  const asked: string[][] = [];
  const serve = (socket: Socket, n: string, connection: number) => {
    if (connection > 1) socket.write(answerTo(n));
    else if (n === '2') socket.write('HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n');
    else if (n === '1') socket.write(answerTo(n));
  };
  const peer = await startPeer(recording(asked, serve), { maxPipelined: 3 });
  const [first, second, third] = ['1', '2', '3'].map((n) => peer.client.fetch(numbered(n)));
  await Promise.all([
    assert.rejects(async () => second, { code: 'SUBGRAPH_UNAVAILABLE' }),
    first?.then((answer) => assert.deepEqual(answer, resultOf('1'))),
    third?.then((answer) => assert.deepEqual(answer, resultOf('3'))),
  ]);
});

test('a query that is not answered in time holds up the others no longer than that', async () => {
  const asked: string[][] = [];
  const serve = (socket: Socket, n: string) => {
    if (n !== '1' && asked.length > 1) socket.write(answerTo(n));
  };
  const peer = await startPeer(recording(asked, serve), { maxPipelined: 3, headersTimeoutMs: 100 });
  const [first, ...others] = ['1', '2', '3'].map((n) => peer.client.fetch(numbered(n)));
  await assert.rejects(async () => first, { code: 'SUBGRAPH_TIMEOUT' });
  assert.deepEqual(await Promise.all(others), ['2', '3'].map(resultOf));
});

for (const leaves of ['1', '2', '3']) {
  test(`of three queries that share a connection, number ${leaves} leaves unseen by the others`, async () => {
    const asked: string[][] = [];
    const arrived = Promise.withResolvers<Socket>();
    const serve = (socket: Socket, n: string, connection: number) => {
      if (connection > 1) socket.write(answerTo(n));
      else if (asked[0]?.length === 3) arrived.resolve(socket);
    };
    const peer = await startPeer(recording(asked, serve), { maxPipelined: 3 });
    const gone = new AbortController();
    const fetches = ['1', '2', '3'].map((n) =>
      peer.client.fetch(numbered(n, n === leaves ? gone.signal : undefined)),
    );
    const socket = await arrived.promise;
    gone.abort();
    for (const n of ['1', '2', '3']) socket.write(answerTo(n));
    const results = await Promise.allSettled(fetches);
    assert.deepEqual(
      results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.code)),
      ['1', '2', '3'].map((n) => (n === leaves ? 'SUBGRAPH_UNAVAILABLE' : resultOf(n))),
    );
  });
}

test('who leaves before anything was sent is not sent', async () => {
  const asked: string[][] = [];
  const peer = await startPeer(
    recording(asked, (socket, n) => socket.write(answerTo(n))),
    { maxPipelined: 3 },
  );
  const gone = new AbortController();
  const left = peer.client.fetch(numbered('1', gone.signal));
  const stays = peer.client.fetch(numbered('2'));
  gone.abort();
  await assert.rejects(left, { code: 'SUBGRAPH_UNAVAILABLE' });
  assert.deepEqual(await stays, resultOf('2'));
  assert.deepEqual(asked, [['2']]);
});
