import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { Upload, type FileUpload } from 'graphql-upload-ts';
import { createHttpClient, type HttpClientOptions } from '../../../gateway/engine/client/http.ts';
import type { SubgraphFetch } from '../../../gateway/engine/client/subgraph-client.ts';
import { readBody } from '#platform/request-body.ts';
import { readMultipart } from '#platform/multipart.ts';

let answer: (request: IncomingMessage, response: ServerResponse) => unknown = () => undefined;
const server = createServer((request, response) => void answer(request, response));
await once(server.listen(0, '127.0.0.1'), 'listening');
const address = server.address();
const port = typeof address === 'object' && address ? address.port : 0;
after(() => {
  server.closeAllConnections();
  server.close();
});

function clientOf(options: Partial<HttpClientOptions> = {}) {
  const client = createHttpClient({ name: 'goods', url: `http://127.0.0.1:${port}/graphql?a=1`, ...options });
  after(() => client.close());
  return client;
}

const operation = {
  query: 'query Q($n: Int) { a }',
  operationName: 'Q',
  kind: 'query',
  bodyPrefix: '{"query":"query Q($n: Int) { a }","operationName":"Q","variables":{',
} as const;

const fetchOf = (extra: Partial<SubgraphFetch> = {}): SubgraphFetch => ({
  operation,
  variables: { n: 1 },
  representations: null,
  headers: { 'x-veza-viewer': 'v' },
  signal: new AbortController().signal,
  ...extra,
});

test('sends one JSON body with headers, variables and representations', async () => {
  const seen: unknown[] = [];
  answer = async (request, response) => {
    seen.push(request.url, request.headers['x-veza-viewer'], JSON.parse(await readBody(request, 1_000)));
    response.end('{"data":{"a":1}}');
  };
  const result = await clientOf().fetch(
    fetchOf({ representations: ['{"__typename":"P","id":"1"}', '{"__typename":"P","id":"2"}'] }),
  );
  assert.deepEqual(result, { data: { a: 1 } });
  const representations = ['1', '2'].map((id) => ({ __typename: 'P', id }));
  const variables = { n: 1, representations };
  assert.deepEqual(seen, ['/graphql?a=1', 'v', { query: operation.query, operationName: 'Q', variables }]);
});

test('takes a GraphQL answer of any status', async () => {
  answer = (_request, response) => void response.writeHead(400).end('{"errors":[{"message":"no"}]}');
  assert.deepEqual(await clientOf().fetch(fetchOf()), { errors: [{ message: 'no' }] });
});

const failures: readonly [
  name: string,
  code: string,
  answer: typeof answer,
  options?: Partial<HttpClientOptions>,
][] = [
  ['a page instead of JSON', 'SUBGRAPH_ERROR', (_request, response) => response.end('<html>')],
  ['JSON that is no result', 'SUBGRAPH_ERROR', (_request, response) => response.end('[1]')],
  ['an HTTP error', 'SUBGRAPH_ERROR', (_request, response) => response.writeHead(500).end('oops')],
  ['an overload', 'SUBGRAPH_UNAVAILABLE', (_request, response) => response.writeHead(503).end()],
  ['a cut connection', 'SUBGRAPH_UNAVAILABLE', (request) => request.socket.destroy()],
  [
    'half an answer',
    'SUBGRAPH_UNAVAILABLE',
    (request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"data":', () => request.socket.destroy());
    },
  ],
  ['silence', 'SUBGRAPH_TIMEOUT', () => undefined, { headersTimeoutMs: 50 }],
  [
    'an answer that never ends',
    'SUBGRAPH_TIMEOUT',
    (_request, response) => void response.write('{"data":'),
    { bodyTimeoutMs: 50 },
  ],
  [
    'too much data',
    'SUBGRAPH_ERROR',
    (_request, response) => response.end(`{"data":"${'x'.repeat(2_000)}"}`),
    { maxResponseBytes: 1_000 },
  ],
];

for (const [name, code, given, options] of failures) {
  test(`turns ${name} into ${code} without telling where the subgraph is`, async () => {
    answer = given;
    await assert.rejects(clientOf(options).fetch(fetchOf()), (error: Error & { code?: string }) => {
      assert.equal(error.code, code);
      assert.doesNotMatch(error.message, /127\.0\.0\.1|\d{4}/);
      return true;
    });
  });
}

test('reports a subgraph that does not listen', async () => {
  const client = clientOf({ url: 'http://127.0.0.1:1/' });
  await assert.rejects(client.fetch(fetchOf()), { code: 'SUBGRAPH_UNAVAILABLE' });
});

test('breaks the request off when the caller goes away', async () => {
  const controller = new AbortController();
  const closed = new Promise<void>((resolve) => {
    answer = (request) => {
      request.socket.once('close', resolve);
      controller.abort();
    };
  });
  await assert.rejects(clientOf().fetch(fetchOf({ signal: controller.signal })));
  await closed;
});

test('refuses a URL that is none', () => {
  assert.throws(() => clientOf({ url: 'goods' }), { code: 'INTERNAL_SERVER_ERROR' });
});

test('streams files by the multipart request specification', async () => {
  let text = '';
  answer = async (request, response) => {
    const { variables } = (await readMultipart(request, response)) as {
      variables: { input: { files: Upload[]; note: string } };
    };
    for (const upload of variables.input.files) {
      const { filename, createReadStream } = await upload.promise;
      for await (const chunk of createReadStream()) text += String(chunk);
      text += `|${filename}|`;
    }
    response.end(JSON.stringify({ data: { note: variables.input.note } }));
  };
  const files = [fileOf('a "quoted".txt', 'first'), fileOf('b.txt', 'second')];
  const result = await clientOf().fetch(fetchOf({ variables: { input: { files, note: 'n' } } }));
  assert.deepEqual(result, { data: { note: 'n' } });
  assert.match(text, /^first\|a .*quoted.*\.txt\|second\|b\.txt\|$/);
});

function fileOf(filename: string, content: string): Upload {
  const upload = new Upload();
  const file = { filename, mimetype: 'text/plain', createReadStream: () => Readable.from([content]) };
  upload.resolve(file as unknown as FileUpload);
  return upload;
}
