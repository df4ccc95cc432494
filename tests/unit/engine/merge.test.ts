import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildSchema } from 'graphql';
import { mergeInto } from '../../../gateway/engine/plan/merge.ts';

const schema = buildSchema(
  'type Query { node: Node } interface Node { id: ID! } type Pen implements Node { id: ID! }',
);

const merged = (target: Record<string, unknown>, ...sources: Record<string, unknown>[]) => {
  for (const source of sources) mergeInto(schema, target, source);
  return target;
};

test('the name of an interface does not take the place of a type, at any depth', () => {
  const told = { __typename: 'Pen', id: 'p1', peers: [{ __typename: 'Pen', id: 'p2' }, null] };
  const untold = { __typename: 'Node', id: 'p1', peers: [{ __typename: 'Node', id: 'p2', rating: 3 }, null] };
  const all = { __typename: 'Pen', id: 'p1', peers: [{ __typename: 'Pen', id: 'p2', rating: 3 }, null] };
  assert.deepEqual(merged({}, structuredClone(told), structuredClone(untold)), all);
  assert.deepEqual(merged({}, structuredClone(untold), structuredClone(told)), all);
});

test('a null takes nothing away, and a type neither', () => {
  assert.deepEqual(
    merged(
      {},
      { __typename: 'Pen', maker: { id: 'm1' }, ink: null },
      { __typename: null, maker: null, ink: 'blue' },
    ),
    { __typename: 'Pen', maker: { id: 'm1' }, ink: 'blue' },
  );
});
