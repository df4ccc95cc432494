import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'graphql';
import { shopSubgraphs } from '../../support/federation/shop.ts';
import { createTestGateway } from '../../support/federation/supergraph.ts';

const scope = { headers: {}, signal: new AbortController().signal };
const aliases = Array.from({ length: 501 }, (_, i) => `a${i}: id`).join(' ');
const TOO_LARGE = {
  'nested too deep': `{ me ${'{ friends '.repeat(26)} { id } ${'} '.repeat(26)} }`,
  'too many aliases': `{ me { ${aliases} } }`,
};

for (const [name, query] of Object.entries(TOO_LARGE))
  test(`refuses an operation ${name}, whoever parsed it`, async () => {
    const { engine } = createTestGateway(shopSubgraphs());
    const asText = await engine.execute({ query }, scope);
    const asDocument = await engine.executeDocument(parse(query), null, {}, scope);
    for (const { data, errors } of [asText, asDocument]) {
      assert.equal(data, undefined);
      assert.equal(errors?.[0]?.extensions?.['code'], 'GRAPHQL_VALIDATION_FAILED');
      assert.match(errors?.[0]?.message ?? '', /nested deeper than 25 levels|more than 500 aliases/);
    }
    await engine.close();
  });
