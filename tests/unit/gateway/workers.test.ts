import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { restartDelayMs } from '../../../gateway/workers/pool.ts';
import { composeSupergraph } from '../../support/federation/supergraph.ts';
import { connectSocket } from '../../support/graphql-ws-client.ts';
import { CHECKOUT, startProcess } from '../../support/platform-process.ts';
import { runNode } from '../../support/running-process.ts';
import { heldAnswers, sends, startScriptedSubgraph } from './scripted-subgraph.ts';

const subgraph = await startScriptedSubgraph();
const sdlOf = (fields: string) => composeSupergraph({ goods: { typeDefs: `type Query { ${fields} }` } });
const READY = /ready at (http:\S+)\/graphql$/;
/** Nothing here takes so long; what does hangs. */
const HANGS_MS = 60_000;

describe('a gateway with workers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'veza-workers-'));
  after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'supergraph.graphql');
  const replace = (sdl: string) => {
    writeFileSync(`${file}.new`, sdl);
    renameSync(`${file}.new`, file);
  };
  before(() => replace(sdlOf('a: Int')));
  const configured = (yaml: string) => {
    const config = join(folder, 'gateway.yaml');
    writeFileSync(config, yaml);
    return ['--config', config, '--workers', '2', '--port', '0'];
  };
  const args = () => configured('supergraph: { source: supergraph.graphql, debounceMs: 1 }');
  const env: NodeJS.ProcessEnv = {
    ...{ LOG_LEVEL: 'error', HOST: '', PORT: '', JWKS_URL: '', REDIS_URL: '', GATEWAY_CONFIG: '' },
    SUBGRAPH_GOODS_URL: subgraph.url,
  };
  const start = async (given: string[] = args()) => {
    const started = await startProcess(
      'gateway/index.ts',
      given,
      env,
      (line) => READY.exec(line)?.[1] ?? null,
    );
    // Of a test that fails.
    after(() => started.child.kill('SIGKILL'));
    return { ...started, url: started.result, workers: () => childrenOf(started.child.pid!) };
  };

  test('serves on one port with all of them, is ready once, and adds their figures up', async () => {
    const { url, end, output, workers } = await start(
      configured(
        'supergraph: { source: supergraph.graphql }\n' +
          'subgraphs: { all: { retries: { attempts: 1 }, breaker: { minimumRequests: 1, failureRatio: 0.01 } } }',
      ),
    );
    assert.equal(workers().length, 2);
    assert.equal(output().match(/ready at/g)?.length, 1);
    subgraph.answerWith(sends('{"data":{"a":1}}'));
    let sent = 0;
    while (figuresOf(await metrics(url), 'gateway_worker_connections_total').some((count) => count < 3)) {
      assert.deepEqual((await ask(url, '{ a }')).data, { a: 1 });
      sent += 1;
    }
    const scraped = await metrics(url);
    assert.deepEqual(figuresOf(scraped, 'gateway_http_requests_total'), [sent]);
    assert.deepEqual(figuresOf(scraped, 'gateway_workers'), [2]);
    const startedAt = figuresOf(scraped, 'process_start_time_seconds')[0] ?? 0;
    assert.ok(startedAt > 1e9 && startedAt < 1e10, 'a time, not a sum of times');
    subgraph.answerWith(sends('', 503));
    for (let asked = 0; asked < 8; asked++) await ask(url, '{ a }');
    // Open in both.
    assert.deepEqual(figuresOf(await metrics(url), 'gateway_subgraph_breaker_state'), [2]);
    assert.equal((await fetch(`${url}/health/ready`)).status, 200);
    assert.equal(await end('SIGTERM'), 0);
  });

  test('replaces a worker that is killed; requests go on, none hangs, and no sum falls', async () => {
    const { url, end, output, workers } = await start();
    subgraph.answerWith(sends('{"data":{"a":1}}'));
    const over = new AbortController();
    const outcomes = { answered: 0, broken: 0 };
    const asking = Array.from({ length: 16 }, async () => {
      while (!over.signal.aborted) {
        // Broken off with its worker, or while it was handed over to it.
        const answer = await ask(url, '{ a }').catch(() => null);
        outcomes[answer ? 'answered' : 'broken'] += 1;
      }
    });
    let counted = 0;
    for (let kills = 1; kills <= 3; kills++) {
      const [victim] = workers();
      process.kill(victim!, 'SIGKILL');
      for (;;) {
        const scraped = await metrics(url);
        const [requests = 0] = figuresOf(scraped, 'gateway_http_requests_total');
        assert.ok(requests >= counted, `${requests} requests after ${counted}`);
        counted = requests;
        const [serving] = figuresOf(scraped, 'gateway_workers');
        const [replaced] = figuresOf(scraped, 'gateway_worker_replacements_total');
        if (serving === 2 && replaced === kills) break;
      }
      assert.ok(!workers().includes(victim!));
    }
    over.abort();
    await Promise.all(asking);
    assert.ok(outcomes.answered > outcomes.broken, JSON.stringify(outcomes));
    assert.match(output(), /"end":"SIGKILL".*worker ended/);
    assert.equal(await end('SIGTERM'), 0);
  });

  test('serves another supergraph in all of them, and a replaced worker serves what the others do', async () => {
    const { url, end, output, workers } = await start();
    replace(sdlOf('a: Int b: Int'));
    await untilReloaded(url, 'ok');
    subgraph.answerWith(sends('{"data":{"b":2}}'));
    const fromBoth = async () => {
      for (let asked = 0; asked < 8; asked++) assert.deepEqual((await ask(url, '{ b }')).data, { b: 2 });
    };
    await fromBoth();
    replace('type Query { broken');
    await untilReloaded(url, 'refused');
    assert.equal(output().match(/supergraph refused/g)?.length, 1);
    process.kill(workers()[0]!, 'SIGKILL');
    while (figuresOf(await metrics(url), 'gateway_worker_replacements_total')[0] !== 1);
    while (figuresOf(await metrics(url), 'gateway_workers')[0] !== 2);
    await fromBoth();
    assert.equal(await end('SIGTERM'), 0);
    replace(sdlOf('a: Int'));
  });

  test('asked to stop, lets each finish what it has; signals to workers themselves do nothing', async () => {
    const { url, end, workers } = await start();
    const sockets = await Promise.all(Array.from({ length: 4 }, () => connectSocket(url)));
    const held = heldAnswers('{"data":{"a":3}}');
    subgraph.answerWith(held.script);
    const arrived = subgraph.nextRequest();
    const inFlight = ask(url, '{ a }');
    await arrived;
    for (const worker of workers()) {
      process.kill(worker, 'SIGTERM');
      process.kill(worker, 'SIGINT');
    }
    assert.equal((await fetch(`${url}/health/ready`)).status, 200);
    const exited = end('SIGTERM');
    for (const socket of sockets) assert.equal((await socket.closed).code, 1001);
    held.release();
    assert.deepEqual((await inFlight).data, { a: 3 });
    assert.equal(await exited, 0);
  });

  test('ends at once on a second signal, with 1 and all workers', async () => {
    const { url, end, workers } = await start(
      configured('supergraph: { source: supergraph.graphql }\nshutdown: { delayMs: 600000 }'),
    );
    const all = workers();
    const exited = end('SIGTERM');
    while ((await fetch(`${url}/health/ready`)).status !== 503);
    void end('SIGINT');
    assert.equal(await exited, 1);
    while (all.some(isAlive));
  });

  test('hands its flags to its workers, and leaves none behind when it is killed', async () => {
    const gateway = runNode(['--max-semi-space-size=4', join(CHECKOUT, 'gateway/index.ts'), ...args()], env);
    await gateway.says('ready at');
    const all = childrenOf(gateway.child.pid!);
    assert.equal(all.length, 2);
    for (const worker of all)
      assert.match(readFileSync(`/proc/${worker}/cmdline`, 'utf8'), /--max-semi-space-size=4/);
    gateway.child.kill('SIGKILL');
    await gateway.ended;
    while (all.some(isAlive));
  });

  test('says once why it cannot start, and exits with 1', async () => {
    const occupied = createServer().listen(0, '127.0.0.1');
    await once(occupied, 'listening');
    const { port } = occupied.address() as AddressInfo;
    const bad = join(folder, 'bad.graphql');
    writeFileSync(bad, 'type Query { ');
    const failures: [string[], RegExp][] = [
      [['--supergraph', file, '--workers', '2', '--port', String(port)], /Port \d+ on \S+ is in use/g],
      [['--supergraph', bad, '--workers', '2', '--port', '0'], /supergraph is not usable/g],
      [['--supergraph', file, '--workers', '0'], /GATEWAY_WORKERS: must be a number/g],
      [configured('requestDeadlineMs: 0'), /requestDeadlineMs/g],
    ];
    for (const [given, message] of failures) {
      const gateway = runNode([join(CHECKOUT, 'gateway/index.ts'), ...given], env);
      assert.equal(await gateway.ended, 1, given.join(' '));
      assert.equal(gateway.stderr().match(message)?.length, 1, gateway.stderr());
      assert.doesNotMatch(gateway.stderr(), /^\s+at /m);
    }
    occupied.close();
  });

  test('brings a worker back at once, and one that keeps dying ever later', () => {
    const delays = Array.from({ length: 20 }, (_, deaths) => restartDelayMs(deaths));
    assert.deepEqual(delays.slice(0, 4), [0, 100, 200, 400]);
    assert.deepEqual(
      delays,
      delays.toSorted((a, b) => a - b),
    );
    assert.equal(delays.at(-1), 10_000);
  });
});

/** A query over a connection of its own, so that any worker may get it. Rejects where it is broken off, or hangs. */
async function ask(url: string, query: string): Promise<{ data?: unknown }> {
  const sent = request(`${url}/graphql`, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json' },
  });
  const timer = setTimeout(() => assert.fail('a request hangs'), HANGS_MS);
  try {
    sent.end(JSON.stringify({ query }));
    const [response] = await once(sent, 'response');
    return JSON.parse(await text(response));
  } finally {
    clearTimeout(timer);
  }
}

/** Scraped over a connection of its own; again where that worker is just being killed. */
async function metrics(url: string): Promise<string> {
  const scraped = await fetch(`${url}/metrics`, { headers: { connection: 'close' } })
    .then((response) => response.text())
    .catch(() => null);
  return scraped ?? metrics(url);
}

/** Values of all series of a metric. */
const figuresOf = (scraped: string, name: string) =>
  [...scraped.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))].map(([, value]) => Number(value));

async function untilReloaded(url: string, outcome: string): Promise<void> {
  const line = new RegExp(`^gateway_supergraph_reloads_total\\{outcome="${outcome}".*\\} 1$`, 'm');
  while (!line.test(await metrics(url)));
}

const childrenOf = (pid: number) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
