import assert from 'node:assert/strict';
import { test } from 'node:test';
import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
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

for (const [name, use] of guards)
  test(`refuses a supergraph that relies on @${name}, which nothing here would enforce`, () => {
    const sdl = supergraphWith(name, use);
    assert.throws(() => createSupergraphState(sdl), {
      code: 'INTERNAL_SERVER_ERROR',
      message: new RegExp(`${name}.*SECURITY.*unsupported`),
    });
  });

test('takes one that says what things cost', () => {
  createSupergraphState(supergraphWith('cost', '@cost(weight: 3)'));
});
