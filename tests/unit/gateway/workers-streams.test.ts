import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createClient } from 'graphql-sse';
import { createSayings } from '../../support/federation/sayings.ts';
import {
  serveTestSubgraphs,
  startGatewayProcess,
  type ServedSubgraphs,
} from '../../support/federation/served-subgraphs.ts';
import { answerOf, codeOf } from './fake-gateway.ts';
import { reserve, type StreamClient } from './stream-client.ts';

const sayings = createSayings();
const said = (topic: string) => `subscription { said(topic: "${topic}") { text by { name } } }`;
const heard = (text: string) => ({ data: { said: { text, by: { name: 'Name of ada' } } } });

describe('event streams of a gateway with workers', () => {
  let subgraphs: ServedSubgraphs;
  let folder: string;
  before(async () => {
    subgraphs = await serveTestSubgraphs(sayings.subgraphs);
    folder = await mkdtemp(join(tmpdir(), 'veza-relay-'));
  });
  after(async () => {
    await subgraphs.close();
    await rm(folder, { recursive: true });
  });
  const start = async (yaml = '{}') => {
    const config = join(folder, 'gateway.yaml');
    await writeFile(config, yaml);
    const gateway = await startGatewayProcess(subgraphs, ['--workers', '3', '--config', config], {
      TMPDIR: folder,
    });
    // Of a test that fails.
    after(() => gateway.end('SIGKILL'));
    return gateway;
  };

  test('are found from whichever worker a request reaches, and leave nothing behind', async () => {
    const gateway = await start();
    const owners = new Set<string>();
    for (let round = 0; round < 6; round += 1) {
      // Every request over a connection of its own: workers take turns.
      const client = await reserve(gateway.url, { connection: 'close' });
      owners.add(client.token.split('.')[0] ?? '');
      const topic = `round ${round}`;
      await client.start('early', said(topic));
      const stream = await client.open();
      await sayings.untilHeardBy(topic, 1);
      for (const text of ['one', 'two']) {
        sayings.say(topic, text);
        assert.deepEqual(await stream.nextMessage(), { event: 'next', id: 'early', payload: heard(text) });
      }
      assert.equal((await client.start('wrong', '{')).status, 400);
      assert.equal((await client.start('early', said(topic))).status, 409);
      assert.equal((await client.start('query', '{ topics }')).status, 202);
      assert.equal((await stream.nextMessage())?.id, 'query');
      assert.equal((await stream.nextMessage())?.event, 'complete');
      assert.equal((await client.open()).response.status, 409);
      assert.equal((await client.stop('early')).status, 200);
      await sayings.untilHeardBy(topic, 0);
      await client.start('last', said(topic));
      await sayings.untilHeardBy(topic, 1);
      // Whoever relays the stream tells its owner that the client has gone.
      stream.cancel();
      await sayings.untilHeardBy(topic, 0);
      await untilGone(client);
    }
    assert.equal(owners.size, 3, [...owners].join());
    assert.equal(await gateway.end('SIGTERM'), 0);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('veza-gateway-')),
      [],
    );
  });

  test('serve the client of graphql-sse, which comes again when its worker dies', async () => {
    const gateway = await start();
    let attempts = 0;
    const client = createClient({
      url: `${gateway.url}/graphql`,
      singleConnection: true,
      async retry() {
        attempts += 1;
        while (!(await fetch(`${gateway.url}/health/ready`).catch(() => null))?.ok);
      },
    });
    const results = client.iterate({ query: said('fragile') });
    const first = results.next();
    await sayings.untilHeardBy('fragile', 1);
    sayings.say('fragile', 'one');
    assert.deepEqual((await first).value, heard('one'));
    const second = results.next();
    for (const worker of childrenOf(gateway.pid)) process.kill(worker, 'SIGKILL');
    await sayings.untilHeardBy('fragile', 0);
    await sayings.untilHeardBy('fragile', 1);
    sayings.say('fragile', 'two');
    assert.deepEqual((await second).value, heard('two'));
    assert.ok(attempts > 0);
    client.dispose();
    assert.equal(await gateway.end('SIGTERM'), 0);
  });

  test('hold their client to its limits, whichever worker relays', async () => {
    const gateway = await start('clients: { perAddress: { maxOpen: 1 } }');
    const streams = [];
    for (let at = 0; at < 6; at += 1) {
      const client = await reserve(gateway.url, { connection: 'close' }).catch(() => null);
      if (client) streams.push(await client.open());
    }
    assert.equal(streams.length, 3, 'one for each worker');
    for (const stream of streams) assert.equal(await stream.nextBlock(), ':');
    assert.equal(await gateway.end('SIGTERM'), 0);
    for (const stream of streams) assert.equal(await stream.next(), null);
  });

  test('are not there where their token names a worker that is not, or none', async () => {
    const gateway = await start();
    for (const token of ['9.abc', '1.abc', '../1', '999.x', '.', '1']) {
      const response = await fetch(`${gateway.url}/graphql?token=${encodeURIComponent(token)}`, {
        headers: { accept: 'text/event-stream' },
      });
      const answer = await answerOf(response);
      assert.deepEqual([answer.status, codeOf(answer)], [404, 'NOT_FOUND'], token);
    }
    assert.equal(await gateway.end('SIGTERM'), 0);
  });
});

async function untilGone(client: StreamClient): Promise<void> {
  while ((await client.stop('any')).status !== 404);
}

const childrenOf = (pid: number) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
