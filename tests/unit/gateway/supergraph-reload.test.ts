import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { composeSupergraph } from '../../support/federation/supergraph.ts';
import { startProcess } from '../../support/platform-process.ts';
import { post } from './fake-gateway.ts';
import { heldAnswers, sends, startScriptedSubgraph } from './scripted-subgraph.ts';

const subgraph = await startScriptedSubgraph();
const server = await startScriptedSubgraph();
const sdlOf = (fields: string) => composeSupergraph({ goods: { typeDefs: `type Query { ${fields} }` } });

describe('a gateway process whose supergraph changes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'veza-reload-'));
  after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'supergraph.graphql');
  const config = join(folder, 'gateway.yaml');
  before(() => writeFileSync(file, sdlOf('a: Int')));

  const start = (yaml: string) => {
    writeFileSync(config, yaml);
    const env = { LOG_LEVEL: 'error', HOST: '', PORT: '', JWKS_URL: '', REDIS_URL: '' };
    const own = { SUBGRAPH_GOODS_URL: subgraph.url };
    return startProcess(
      'gateway/index.ts',
      ['--config', config, '--port', '0'],
      { ...env, ...own },
      (line) => /ready at (http:\S+)\/graphql$/.exec(line)?.[1] ?? null,
    );
  };
  const replace = (sdl: string) => {
    writeFileSync(`${file}.new`, sdl);
    renameSync(`${file}.new`, file);
  };
  const untilReloaded = async (url: string, outcome: string, count: number) => {
    const line = new RegExp(`gateway_supergraph_reloads_total{outcome="${outcome}".*} ${count}\\n`);
    while (!line.test(await (await fetch(`${url}/metrics`)).text()));
  };

  test('serves the new file, refuses a bad one, and finishes what was in flight on the old one', async () => {
    const {
      result: url,
      end,
      output,
    } = await start('supergraph: { source: supergraph.graphql, debounceMs: 1 }');
    const held = heldAnswers('{"data":{"a":1}}');
    subgraph.answerWith(held.script);
    const arrived = subgraph.nextRequest();
    const inFlight = post({ url }, { query: '{ a }' });
    await arrived;

    replace('type Query { broken');
    await untilReloaded(url, 'refused', 1);
    assert.match(output(), /supergraph refused/);

    replace(sdlOf('b: Int'));
    await untilReloaded(url, 'ok', 1);
    held.release();
    assert.deepEqual((await inFlight).body.data, { a: 1 });
    assert.match(JSON.stringify((await post({ url }, { query: '{ a }' })).body.errors), /Cannot query field/);
    subgraph.answerWith(sends('{"data":{"b":2}}'));
    assert.deepEqual((await post({ url }, { query: '{ b }' })).body.data, { b: 2 });
    assert.equal(await end('SIGTERM'), 0);
  });

  test('takes it from an address and keeps on asking there', async () => {
    let current = sdlOf('a: Int');
    server.answerWith((request, response) => {
      const etag = `"${current.length}"`;
      if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
      else response.writeHead(200, { etag }).end(current);
    });
    const { result: url, end } = await start(`supergraph: { source: "${server.url}", pollMs: 5 }`);
    current = sdlOf('a: Int bee: Int');
    await untilReloaded(url, 'ok', 1);
    subgraph.answerWith(sends('{"data":{"bee":2}}'));
    assert.deepEqual((await post({ url }, { query: '{ bee }' })).body.data, { bee: 2 });
    assert.equal(await end('SIGTERM'), 0);
  });

  test('asked to stop, says that it is not ready, serves on for a while, and finishes what is in flight', async () => {
    replace(sdlOf('a: Int'));
    const yaml =
      'supergraph: { source: supergraph.graphql }\nshutdown: { delayMs: 1000, socketsMs: 0, graceMs: 10000 }';
    const { result: url, end } = await start(yaml);
    const ready = async () => (await fetch(`${url}/health/ready`)).status;
    assert.equal(await ready(), 200);
    const held = heldAnswers();
    subgraph.answerWith(held.script);
    const arrived = subgraph.nextRequest();
    const inFlight = post({ url }, { query: '{ a }' });
    await arrived;
    const ended = end('SIGTERM');
    while ((await ready()) !== 503);
    subgraph.answerWith(sends('{"data":{"a":2}}'));
    const late = await post({ url }, { query: '{ other: a }' });
    assert.equal(late.status, 200);
    // The listener is closed once the delay is over; what came before that is still answered.
    while (await ready().catch(() => null));
    held.release();
    assert.deepEqual((await inFlight).body.data, { a: 1 });
    assert.equal(await ended, 0);
  });

  test('names every error of its configuration and exits', async () => {
    await assert.rejects(
      start('requestDeadlineMs: 0\nsubgraphs: { goods: { url: nowhere } }'),
      (error: Error) => {
        assert.match(error.message, /ended with 1/);
        assert.match(error.message, /requestDeadlineMs[^]*subgraphs\.goods\.url/);
        assert.doesNotMatch(error.message, /^\s+at /m);
        return true;
      },
    );
  });
});
