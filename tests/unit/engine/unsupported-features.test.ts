import assert from 'node:assert/strict';
import { test } from 'node:test';
import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { createLog } from '#platform/log.ts';
import { createReferenceEngine } from '../../../gateway/engine/reference/reference-engine.ts';
import { createSupergraphState } from '../../../gateway/engine/supergraph-state.ts';

const supergraphWith = (name: string, use: string): string => {
  const typeDefs = parse(`
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@${name}"])
    type Query { open: String guarded: String ${use} }`);
  const { supergraphSdl, errors } = composeServices([{ name: 'a', url: 'http://a.invalid', typeDefs }]);
  assert.ok(supergraphSdl, errors?.join('\n'));
  return supergraphSdl;
};

const guards: readonly [name: string, use: string][] = [
  ['authenticated', '@authenticated'],
  ['requiresScopes', '@requiresScopes(scopes: [["a"]])'],
  ['policy', '@policy(policies: [["a"]])'],
];

for (const [name, use] of guards) {
  test(`refuses a supergraph that relies on a version of @${name} that is not known`, () => {
    const sdl = supergraphWith(name, use).replace(`/${name}/v0.1`, `/${name}/v0.9`);
    const refusal = { code: 'INTERNAL_SERVER_ERROR', message: new RegExp(`${name}.*v0\\.9`) };
    assert.throws(() => createSupergraphState(sdl), refusal);
    // What it is for may have been left out.
    const purposeless = sdl.replace(new RegExp(`(${name}/v0\\.9"), for: SECURITY`), '$1');
    assert.notEqual(purposeless, sdl);
    assert.throws(() => createSupergraphState(purposeless), refusal);
  });

  test(`the reference engine refuses a supergraph that relies on @${name}, which it would not enforce`, async () => {
    const clients = () => assert.fail('must not connect');
    const engine = createReferenceEngine({
      sdl: supergraphWith(name, use),
      clients,
      log: createLog('test', 'silent'),
    });
    await assert.rejects(engine, {
      code: 'INTERNAL_SERVER_ERROR',
      message: new RegExp(`${name}.*SECURITY.*unsupported`),
    });
  });
}

test('takes one that says what things cost', () => {
  createSupergraphState(supergraphWith('cost', '@cost(weight: 3)'));
});
