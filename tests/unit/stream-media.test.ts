import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { EnvironmentError, readEnvironment } from '#platform/environment.ts';
import { streamEnvironment, streamOptions } from '../../subgraphs/stream/environment.ts';
import { httpMediaServers } from '../../subgraphs/stream/service/media-http.ts';

const WEB_URL = 'http://localhost:4000';
const PUBLIC_URL = 'wss://media.example/media';

async function startServer(answer: {
  status: number;
  asked: number;
}): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    if (request.url === '/media/abilities') return void response.end('{"canMix":true}');
    answer.asked += 1;
    response.writeHead(request.url === '/health/ready' ? answer.status : 404).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const close = (server: Server) =>
  new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

describe('a media server in another process', () => {
  it('is asked for its health four times a second at most, however many want to join', async () => {
    const answer = { status: 200, asked: 0 };
    const { server, url } = await startServer(answer);
    let nowMs = 0;
    const media = httpMediaServers({ url, publicUrl: PUBLIC_URL, webUrl: WEB_URL, nowMs: () => nowMs });
    const all = await Promise.all(Array.from({ length: 20 }, () => media.locate('liv_a')));
    assert.deepEqual(all[19], { available: true, url: PUBLIC_URL, webUrl: WEB_URL, canMix: true });
    assert.equal(answer.asked, 1);
    answer.status = 503;
    assert.equal((await media.locate('liv_a')).available, true);
    nowMs = 250;
    assert.equal((await media.locate('liv_a')).available, false);
    assert.equal(answer.asked, 2);
    await close(server);
    nowMs = 500;
    assert.equal((await media.locate('liv_a')).available, false);
  });
});

describe('the environment of the stream subgraph', () => {
  const base = { INTERNAL_SECRET: 'x'.repeat(32), FILES_DIR: '/tmp' };

  it('derives the address for clients from MEDIA_URL unless it is given', async () => {
    const answer = { status: 200, asked: 0 };
    const { server, url } = await startServer(answer);
    const locate = async (extra: Record<string, string>) =>
      streamOptions(readEnvironment(streamEnvironment, { ...base, ...extra })).media.locate('liv_a');
    const derived = `${url.replace('http', 'ws')}/media`;
    assert.deepEqual(await locate({ MEDIA_URL: url }), {
      available: true,
      url: derived,
      webUrl: WEB_URL,
      canMix: true,
    });
    const given = await locate({ MEDIA_URL: url, MEDIA_PUBLIC_URL: PUBLIC_URL });
    assert.deepEqual(given, { available: true, url: PUBLIC_URL, webUrl: WEB_URL, canMix: true });
    assert.equal((await locate({})).available, false);
    await close(server);
  });

  it('wants both TURN variables or neither', () => {
    const half = readEnvironment(streamEnvironment, { ...base, TURN_URLS: 'turn:turn.example' });
    assert.throws(() => streamOptions(half), /TURN_SECRET/);
  });

  it('names every wrong variable', () => {
    const wrong = { ...base, MEDIA_URL: 'ftp://x', TURN_URLS: 'http://x', TURN_SECRET: 'short' };
    assert.throws(
      () => readEnvironment(streamEnvironment, wrong),
      (error: unknown) =>
        error instanceof EnvironmentError &&
        ['MEDIA_URL', 'TURN_URLS', 'TURN_SECRET'].every((name) => error.message.includes(name)),
    );
  });
});
