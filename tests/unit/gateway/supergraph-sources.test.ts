import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { createFileSource } from '../../../gateway/supergraph/file-source.ts';
import type { SupergraphSource } from '../../../gateway/supergraph/source.ts';
import { createUrlSource, type UrlSourceOptions } from '../../../gateway/supergraph/url-source.ts';
import { sends, startScriptedSubgraph } from './scripted-subgraph.ts';

const folder = mkdtempSync(join(tmpdir(), 'veza-supergraph-'));
after(() => rmSync(folder, { recursive: true }));

/** What a source reports, to be waited for. */
function follow(source: SupergraphSource) {
  const seen: string[] = [];
  let arrival = Promise.withResolvers<void>();
  const push = (text: string) => {
    seen.push(text);
    arrival.resolve();
    arrival = Promise.withResolvers();
  };
  const stop = source.watch({
    onChange: async (sdl) => push(sdl),
    onFailure: ({ message }) => push(`failure: ${message}`),
  });
  const until = async (text: string | RegExp) => {
    const matches = (one: string) => (typeof text === 'string' ? one === text : text.test(one));
    while (!seen.some(matches)) await arrival.promise;
  };
  return { seen, until, stop };
}

describe('a supergraph in a file', () => {
  const sourceOf = (name: string, content?: string) => {
    const file = join(folder, name);
    if (content !== undefined) writeFileSync(file, content);
    return { file, source: createFileSource({ file, debounceMs: 5 }) };
  };

  test('is followed through writes in place and through replacement, time and again', async () => {
    const { file, source } = sourceOf('a.graphql', 'one');
    assert.equal(await source.read(), 'one');
    const { until, stop } = follow(source);
    writeFileSync(file, 'two');
    await until('two');
    for (const text of ['three', 'four']) {
      writeFileSync(`${file}.new`, text);
      renameSync(`${file}.new`, file);
      await until(text);
    }
    writeFileSync(file, 'five');
    await until('five');
    stop();
  });

  test('is followed behind a link that is replaced, as files mounted by Kubernetes are', async () => {
    writeFileSync(join(folder, 'v1'), 'one');
    writeFileSync(join(folder, 'v2'), 'two');
    symlinkSync('v1', join(folder, 'data'));
    symlinkSync('data', join(folder, 'linked.graphql'));
    const { until, stop } = follow(sourceOf('linked.graphql').source);
    await until('one');
    symlinkSync('v2', join(folder, 'data.new'));
    renameSync(join(folder, 'data.new'), join(folder, 'data'));
    await until('two');
    stop();
  });

  test('that goes away is reported, and followed again when it is back', async () => {
    const { file, source } = sourceOf('b.graphql', 'one');
    const { until, stop } = follow(source);
    await until('one');
    rmSync(file);
    await until(/^failure: Cannot read the supergraph: ENOENT/);
    writeFileSync(file, 'two');
    await until('two');
    stop();
  });

  test('that is missing at the start is named', async () => {
    await assert.rejects(sourceOf('missing.graphql').source.read(), /missing\.graphql/);
  });
});

describe('a supergraph at an address', async () => {
  const server = await startScriptedSubgraph();
  const sourceOf = (pauses: number[], options: Partial<UrlSourceOptions> = {}) =>
    createUrlSource({
      url: `${server.url}?token=secret`,
      headers: { authorization: 'Bearer key' },
      pollMs: 100,
      timeoutMs: 5_000,
      maxBackoffMs: 300,
      random: () => 0.5,
      pause: async (ms) => void pauses.push(Math.round(ms)),
      ...options,
    });

  test('is asked with its ETag and headers, and taken when it is another one', async () => {
    server.requests.length = 0;
    let current = 'one';
    server.answerWith((request, response) => {
      const etag = `"${current}"`;
      if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
      else response.writeHead(200, { etag }).end(current);
    });
    const source = sourceOf([]);
    assert.equal(await source.read(), 'one');
    const first = server.nextRequest();
    const { seen, until, stop } = follow(source);
    const { headers } = await first;
    assert.deepEqual([headers['if-none-match'], headers.authorization], ['"one"', 'Bearer key']);
    current = 'two';
    await until('two');
    await server.nextRequest();
    stop();
    assert.deepEqual(seen, ['two']);
  });

  test('is asked less and less often while it fails, and as before once it answers', async () => {
    const pauses: number[] = [];
    let asked = 0;
    server.answerWith((request, response) => {
      asked += 1;
      (asked <= 3 ? sends('oops', 500) : sends(`version ${asked}`))(request, response);
    });
    const { seen, until, stop } = follow(sourceOf(pauses));
    await until('version 5');
    stop();
    assert.deepEqual(pauses.slice(0, 5), [100, 200, 300, 300, 100]);
    const { origin } = new URL(server.url);
    assert.equal(seen[0], `failure: Cannot get the supergraph from ${origin}/graphql: it answered 500`);
    assert.equal(seen[3], 'version 4');
  });

  test('that does not answer, or not in time, is named without its secrets', async () => {
    server.answerWith(() => undefined);
    const cases: [Partial<UrlSourceOptions>, RegExp][] = [
      [{ timeoutMs: 20 }, /^Cannot get the supergraph from http:\S+\/graphql: .*timeout/],
      [{ url: 'http://127.0.0.1:2/x?token=secret' }, /ECONNREFUSED/],
    ];
    for (const [options, message] of cases)
      await assert.rejects(sourceOf([], options).read(), (error: Error) => {
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
  });

  test('is asked no more after the end, not even a question under way is waited for', async () => {
    server.answerWith(() => undefined);
    const asked = server.nextRequest();
    const { seen, stop } = follow(sourceOf([]));
    const { socket } = await asked;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    stop();
    await closed;
    assert.deepEqual(seen, []);
  });
});
