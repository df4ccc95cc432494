import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createInProcessClient } from '../../../gateway/engine/client/in-process.ts';
import type { SubgraphClient } from '../../../gateway/engine/client/subgraph-client.ts';
import { serveTestGateway } from '../../support/federation/served-gateway.ts';
import { composeSupergraph, createTestEndpoint } from '../../support/federation/supergraph.ts';
import { post } from './fake-gateway.ts';

const labelled = (label: string) => `String @override(from: "old", label: "${label}")`;
const SUBGRAPHS = {
  old: {
    typeDefs: `type Query { thing: Thing } type Thing @key(fields: "id") { id: ID! price: String weight: String size: String }`,
    resolvers: { Query: { thing: () => ({ id: '1', price: 'old', weight: 'old', size: 'old' }) } },
  },
  new: {
    typeDefs: `type Thing @key(fields: "id") { id: ID! price: ${labelled('beta')} weight: ${labelled('gamma')}
      size: ${labelled('percent(100)')} }`,
    resolvers: { Thing: { price: () => 'new', weight: () => 'new', size: () => 'new' } },
  },
};
const QUERY = { query: '{ thing { price weight size } }' };

const closing: (() => Promise<void>)[] = [];
after(() => Promise.all(closing.map((close) => close())));

async function start(yaml: string, fastPath: 'on' | 'off') {
  const received: string[] = [];
  const connect = (name: keyof typeof SUBGRAPHS): SubgraphClient => {
    const client = createInProcessClient(createTestEndpoint(SUBGRAPHS[name]));
    const fetch: SubgraphClient['fetch'] = (request) => {
      received.push(...Object.keys(request.headers));
      return client.fetch(request);
    };
    return { ...client, fetch };
  };
  const served = await serveTestGateway({
    supergraphSdl: composeSupergraph(SUBGRAPHS),
    connect: (name) => connect(name === 'old' ? 'old' : 'new'),
    yaml,
    env: { FAST_PATH: fastPath },
  });
  closing.push(served.close);
  const ask = async (headers?: Record<string, string>) =>
    (await post(served, QUERY, headers)).body.data?.['thing'];
  return { ask, received };
}

for (const fastPath of ['on', 'off'] as const) {
  test(`labels hold for the share the file gives them, with the fast path ${fastPath}`, async () => {
    const { ask } = await start('overrideLabels: { percent: { gamma: 100, "percent(100)": 0 } }', fastPath);
    assert.deepEqual(await ask(), { price: 'old', weight: 'new', size: 'old' });
  });

  test(`labels hold for requests whose header lists them, with the fast path ${fastPath}`, async () => {
    const { ask, received } = await start('overrideLabels: { header: X-Labels }', fastPath);
    const [both, none, one] = await Promise.all([
      ask({ 'x-labels': 'gamma, beta,unknown' }),
      ask(),
      ask({ 'x-labels': 'beta' }),
    ]);
    assert.deepEqual(both, { price: 'new', weight: 'new', size: 'new' });
    assert.deepEqual(none, { price: 'old', weight: 'old', size: 'new' });
    assert.deepEqual(one, { price: 'new', weight: 'old', size: 'new' });
    assert.ok(received.length > 0 && !received.includes('x-labels'));
  });
}
