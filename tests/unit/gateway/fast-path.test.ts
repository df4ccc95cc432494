import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { listen, type HttpListener } from '#platform/http.ts';
import { createLog } from '#platform/log.ts';
import { createMetrics } from '#platform/metrics.ts';
import { createApolloGateway } from '../../../gateway/engine/apollo-gateway.ts';
import type { Engine, EngineScope } from '../../../gateway/engine/engine.ts';
import { createFront } from '../../../gateway/front.ts';
import { shopSubgraphs } from '../../support/federation/shop.ts';
import { createTestGateway } from '../../support/federation/supergraph.ts';

interface Side {
  readonly listener: HttpListener;
  /** Operations that ran outside of Apollo Server. */
  readonly ran: { fast: number };
  close(): Promise<void>;
}

const log = createLog('gateway', 'silent');
const CORRELATION_ID = 'one-id-for-both-sides';

/** The front over the shop, whose reviews always fail with more than a client may see. */
async function startSide(fastPath: boolean): Promise<Side> {
  const { engine, replaced } = createTestGateway(shopSubgraphs());
  const extensions = { code: 'BUSY', http: { status: 418, headers: { 'x-leak': '1' } }, stacktrace: ['x'] };
  replaced.set('reviews', async () => ({ errors: [{ message: 'down', path: ['reviews', 0], extensions }] }));
  const ran = { fast: 0 };
  const executeText: Engine['executeText'] = (...given) => {
    ran.fast += 1;
    return engine.executeText(...given);
  };
  const counted: Engine = Object.assign(Object.create(engine), { executeText });
  const apollo = createApolloGateway(engine, (context) => context as EngineScope);
  const front = await createFront(counted, apollo, {
    auth: null,
    log,
    metrics: createMetrics('gateway'),
    corsOrigins: ['https://app.example'],
    requestLimits: { maxBodyBytes: 20_000, maxBatch: 2 },
    fastPath,
  });
  const listener = await listen({ host: '127.0.0.1', port: 0, routes: front.routes, log });
  const close = async () => {
    await front.drain(0);
    await listener.close(0);
    await front.close();
    await engine.close();
  };
  return { listener, ran, close };
}

async function ask({ listener }: Side, request: RequestInit & { search?: string }) {
  const { search = '', headers, ...init } = request;
  const url = `http://127.0.0.1:${listener.port}/graphql${search}`;
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-correlation-id': CORRELATION_ID, ...headers },
    ...init,
  });
  const seen = [...answer.headers].filter(([name]) => name !== 'date');
  return { status: answer.status, headers: seen, body: await answer.text() };
}

const json = (value: unknown): RequestInit => ({ body: JSON.stringify(value) });
const accepting = (accept: string): RequestInit => ({
  ...json({ query: '{ me { id } }' }),
  headers: { accept },
});
const named = 'query A($id: ID!) { node(id: $id) { id } } query B { me { id } }';
const deep = `{ me ${'{ manager '.repeat(30)}{ id }${' }'.repeat(30)} }`;

/** What is answered without Apollo Server. */
const PLAIN: Readonly<Record<string, RequestInit>> = {
  'a query': json({ query: '{ me { id name email manager { id } } }' }),
  'a join': json({ query: '{ users { id parcels { id fragile } favourite { id name } } }' }),
  'nothing where null is asked': json({ query: '{ me { id } }', variables: null, operationName: null }),
  'an operation by its name': json({ query: named, operationName: 'A', variables: { id: 'u1' } }),
  'variables that are not declared': json({ query: '{ me { id } }', variables: { more: 1 } }),
  'extensions of a client': json({ query: '{ me { id } }', extensions: { clientLibrary: { name: 'x' } } }),
  'aliases and fragments': json({ query: '{ __proto__: me { ...F } } fragment F on User { a: id b: id }' }),
  introspection: json({ query: '{ __schema { queryType { name } } __typename }' }),
  'a mutation': json({ query: 'mutation { rename(id: "u1", name: "Ada") { name } }' }),
  'a subgraph error below data': json({ query: '{ me { id reviews { id } } }' }),
  'a subgraph error that leaves null': json({ query: '{ reviews { id } }' }),
  'a conditional field': json({
    query: 'query ($b: Boolean!) { me { id @skip(if: $b) name } }',
    variables: { b: true },
  }),
  'plain JSON': accepting('application/json'),
  'the GraphQL type': accepting('application/graphql-response+json'),
  'the GraphQL type for an error': {
    ...json({ query: '{ reviews { id } }' }),
    headers: { accept: 'application/graphql-response+json' },
  },
  'a weighted list of types': accepting('application/graphql-response+json;q=0.5, application/json;q=0.4'),
  'a page of a known origin': {
    ...json({ query: '{ me { id } }' }),
    headers: { origin: 'https://app.example' },
  },
  'characters beyond ASCII': json({ query: '# ü\n{ me { id } }' }),
};

/** What Apollo Server is left to answer, or what ends before it. */
const OTHER: Readonly<Record<string, RequestInit & { search?: string }>> = {
  'a syntax error': json({ query: '{' }),
  'an unknown field': json({ query: '{ missing }' }),
  'an unknown field, with the GraphQL type': {
    ...json({ query: '{ missing }' }),
    headers: { accept: 'application/graphql-response+json' },
  },
  'an operation that is too deep': json({ query: deep }),
  'no name among several operations': json({ query: named }),
  'an unknown name': json({ query: named, operationName: 'C' }),
  'an empty name': json({ query: '{ me { id } }', operationName: '' }),
  'a subscription': json({ query: 'subscription { x }' }),
  'an empty query': json({ query: '' }),
  'no query': json({ qeury: '{ me { id } }' }),
  'a query that is no text': json({ query: 7 }),
  'variables that are a list': json({ query: '{ me { id } }', variables: [1] }),
  'variables as text': json({ query: '{ me { id } }', variables: '{}' }),
  'a name that is no text': json({ query: '{ me { id } }', operationName: 7 }),
  'extensions as text': json({ query: '{ me { id } }', extensions: 'x' }),
  'an unknown persisted query': json({
    extensions: { persistedQuery: { version: 1, sha256Hash: 'ab'.repeat(32) } },
  }),
  'a batch': json([{ query: '{ me { id } }' }, { query: '{ missing }' }]),
  'too large a batch': json([{ query: '{ me { id } }' }, { query: '{ a }' }, { query: '{ b }' }]),
  'no JSON': { body: '{ "query": ' },
  'no body': { body: '' },
  null: { body: 'null' },
  'no UTF-8': { body: new Uint8Array([0x22, 0xff, 0x22]) },
  'a body that is too large': json({ query: `# ${'x'.repeat(30_000)}\n{ me { id } }` }),
  'another content type': { body: '{ me { id } }', headers: { 'content-type': 'application/graphql' } },
  'a simple content type': { body: '{}', headers: { 'content-type': 'text/plain' } },
  'another charset': { ...json({}), headers: { 'content-type': 'application/json; charset=utf-16' } },
  'a compressed body': { ...json({}), headers: { 'content-encoding': 'gzip' } },
  'a type that nobody writes': accepting('text/html'),
  'an answer in parts': accepting('multipart/mixed; deferSpec=20220824, application/json'),
  'an event stream or JSON': accepting('text/event-stream, application/json'),
  GET: { method: 'GET', search: '?query={me{id}}' },
  HEAD: { method: 'HEAD', search: '?query={me{id}}' },
  OPTIONS: { method: 'OPTIONS', headers: { origin: 'https://app.example' } },
};

describe('the fast path answers as Apollo Server does, byte by byte:', () => {
  let fast: Side;
  let slow: Side;
  before(async () => {
    [fast, slow] = await Promise.all([startSide(true), startSide(false)]);
  });
  after(async () => {
    await Promise.all([fast.close(), slow.close()]);
  });

  for (const [name, request] of Object.entries(PLAIN))
    test(name, async () => {
      const before = fast.ran.fast;
      assert.deepEqual(await ask(fast, request), await ask(slow, request));
      assert.equal(fast.ran.fast, before + 1);
      assert.equal(slow.ran.fast, 0);
    });

  for (const [name, request] of Object.entries(OTHER))
    test(name, async () => {
      const before = fast.ran.fast;
      assert.deepEqual(await ask(fast, request), await ask(slow, request));
      assert.equal(fast.ran.fast, before);
    });

  test('variables that do not fit', async () => {
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const request = { ...json({ query: named, operationName: 'A' }), headers: { accept } };
      assert.deepEqual(await ask(fast, request), await ask(slow, request));
    }
  });
});
