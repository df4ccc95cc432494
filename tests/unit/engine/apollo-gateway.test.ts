import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import type { FormattedExecutionResult } from 'graphql';
import { CodedError } from '#platform/errors.ts';
import { createApolloGateway } from '../../../gateway/engine/apollo-gateway.ts';
import type { Engine, EngineScope } from '../../../gateway/engine/engine.ts';
import { shopSubgraphs } from '../../support/federation/shop.ts';
import { createTestGateway, testScope } from '../../support/federation/supergraph.ts';

/** What the client gets. */
const plain = (result: object): FormattedExecutionResult => JSON.parse(JSON.stringify(result));

test('Apollo Server answers through the engine, errors included, and follows a swap', async () => {
  const { engine, replaced } = createTestGateway(shopSubgraphs());
  const gateway = createApolloGateway(engine, (context) => context as EngineScope);
  const server = new ApolloServer({ gateway, includeStacktraceInErrorResponses: false });
  await server.start();
  const ask = async (query: string) => {
    const { body } = await server.executeOperation({ query }, { contextValue: testScope() });
    assert.equal(body.kind, 'single');
    return body.kind === 'single' ? plain(body.singleResult) : {};
  };
  assert.deepEqual(await ask('{ a: me { name } __schema { queryType { name } } }'), {
    data: { a: { name: 'Ada' }, __schema: { queryType: { name: 'Query' } } },
  });
  replaced.set('reviews', async () => ({ errors: [{ message: 'down', extensions: { code: 'BUSY' } }] }));
  const { data, errors } = await ask('{ me { name reviews { id } } }');
  assert.deepEqual(data, { me: { name: 'Ada', reviews: null } });
  assert.deepEqual(
    errors?.map(({ message, extensions, path }) => [message, extensions?.['code'], path]),
    [['down', 'BUSY', ['me']]],
  );
  engine.swap(engine.supergraphSdl.replaceAll('pages: Int', 'leaves: Int'));
  assert.deepEqual((await ask('{ __type(name: "Book") { fields { name } } }')).errors, undefined);
  assert.match(
    String((await ask('{ products { ... on Book { pages } } }')).errors?.[0]?.message),
    /Cannot query/,
  );
  await server.stop();
});

test('operations run once, whether they succeed before they reach the gateway or fail, and fail alike', async () => {
  const { engine, replaced } = createTestGateway(shopSubgraphs());
  const ran = { count: 0 };
  const executeDocument: Engine['executeDocument'] = (...given) => {
    ran.count += 1;
    return engine.executeDocument(...given);
  };
  const counted: Engine = Object.assign(Object.create(engine), { executeDocument });
  const gateway = createApolloGateway(counted, (context) => context as EngineScope);
  const told: unknown[] = [];
  const listener: ApolloServerPlugin<EngineScope> = {
    requestDidStart: async () => ({
      didEncounterErrors: async ({ errors }) => void told.push(errors.map(({ message }) => message)),
    }),
  };
  const start = async (plugins: ApolloServerPlugin<EngineScope>[]) => {
    const server = new ApolloServer<EngineScope>({ gateway, plugins, nodeEnv: 'production' });
    await server.start();
    return server;
  };
  const servers = [await start([listener]), await start([listener, gateway.shortcut])];
  const answers = async (query: string, variables = {}) => {
    const before = ran.count;
    const given = servers.map((server) =>
      server.executeOperation({ query, variables }, { contextValue: testScope() }),
    );
    const [without, withIt] = (await Promise.all(given)).map(({ body }) =>
      body.kind === 'single' ? plain(body.singleResult) : null,
    );
    assert.deepEqual(withIt, without);
    assert.equal(ran.count - before, servers.length);
    return withIt;
  };
  assert.deepEqual(await answers('{ me { name } }'), { data: { me: { name: 'Ada' } } });
  assert.deepEqual(told, []);
  replaced.set('reviews', async () => ({ errors: [{ message: 'down', extensions: { code: 'BUSY' } }] }));
  assert.equal((await answers('{ me { name reviews { id } } }'))?.errors?.length, 1);
  engine.executeDocument = () => Promise.reject(new CodedError('SERVICE_UNAVAILABLE', 'no place'));
  assert.match(String((await answers('{ me { name } }'))?.errors?.[0]?.message), /no place/);
  assert.deepEqual(told, [['down'], ['down'], ['no place'], ['no place']]);
  await Promise.all(servers.map((server) => server.stop()));
});
