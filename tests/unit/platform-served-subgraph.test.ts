import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { HttpListener } from '#platform/http.ts';
import { createMetrics } from '#platform/metrics.ts';
import { serveSubgraph } from '#platform/serve-subgraph.ts';
import { signViewer, VIEWER_HEADER } from '#platform/viewer.ts';
import { recordingLog } from '../support/recording-log.ts';
import { TINY_SECRET, tinySubgraph } from '../support/tiny-subgraph.ts';

const logged = recordingLog();
const { endpoint } = tinySubgraph(logged.log);
let database: () => Promise<unknown> = () => Promise.resolve();
let listener: HttpListener;
let base: string;
before(async () => {
  listener = await serveSubgraph({
    endpoint,
    host: '127.0.0.1',
    port: 0,
    checks: { database: () => database() },
    metrics: createMetrics('tiny'),
    log: logged.log,
  });
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
    const ready = async () => {
      const response = await fetch(`${base}/health/ready`);
      return [response.status, await response.json()];
    };
    const isUp = [200, { status: 'ready', checks: { database: 'up' } }];
    const isDown = [503, { status: 'not ready', checks: { database: 'down' } }];
    assert.equal((await fetch(`${base}/health/live`)).status, 200);
    assert.deepEqual(await ready(), isUp);
    database = () => Promise.reject(new Error('no route to 10.0.0.7'));
    assert.deepEqual([await ready(), await ready()], [isDown, isDown]);
    database = () => Promise.resolve();
    assert.deepEqual([await ready(), await ready()], [isUp, isUp]);
  });

  it('says why in the log, once', () => {
    const lines = logged.text().split('\n');
    const [away, back, ...others] = lines.filter((line) => line.includes('"check":"database"'));
    assert.match(away ?? '', /"level":"warn".*"reason":"no route to 10\.0\.0\.7".*not ready/);
    assert.match(back ?? '', /"level":"info".*ready again/);
    assert.deepEqual(others, []);
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
