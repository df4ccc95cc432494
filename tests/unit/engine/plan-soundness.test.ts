import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  atOnce,
  inFetch,
  inOperation,
  onlyIf,
  sending,
  without,
  type Damage,
} from '../../support/federation/damages.ts';
import { changed, planOf } from '../../support/federation/planned.ts';
import { shopSubgraphs } from '../../support/federation/shop.ts';
import { composeSupergraph } from '../../support/federation/supergraph.ts';
import { createSupergraphState } from '../../../gateway/engine/supergraph-state.ts';

const KEY = '@key(fields: "id")';
const stateOf = (typeDefs: Record<string, string>) =>
  createSupergraphState(
    composeSupergraph(
      Object.fromEntries(Object.entries(typeDefs).map(([name, text]) => [name, { typeDefs: text }])),
    ),
  );

const parcels = stateOf({
  goods: `type Query { parcel: Parcel first: Parcel @provides(fields: "depot") things: [Thing] }
    union Thing = Parcel | Maker
    type Parcel ${KEY} { id: ID! tag: String weight(unit: String = "KG"): Int label: String maker: Maker depot: String @external }
    type Maker ${KEY} { id: ID! name: String }`,
  shipping: `type Parcel ${KEY} { id: ID! weight(unit: String = "KG"): Int @external depot: String @shareable
      pounds: String @requires(fields: "weight(unit: \\"LB\\")") }`,
  makers: `type Parcel ${KEY} { id: ID! seal: String @override(from: "shipping", label: "seals") }
    type Maker ${KEY} { id: ID! rank: Int }`,
  tags: `type Query { tagged: Parcel } type Parcel @key(fields: "id", resolvable: false) { id: ID! }`,
});

const nodes = stateOf({
  named: `type Query { nodes: [Node] } interface Node ${KEY} { id: ID! name: String }
    type Dog implements Node ${KEY} { id: ID! name: String woof: Int } type Cat implements Node ${KEY} { id: ID! name: String }`,
  aged: `type Query { peers: [Node] } type Node ${KEY} @interfaceObject { id: ID! name: String @external age: Int
    call: String @requires(fields: "name") }`,
  loud: `type Dog ${KEY} { id: ID! bark: Int } type Cat ${KEY} { id: ID! meow: Int }`,
});

const boxes = stateOf({
  boxes: `type Query { parcel: Parcel } type Parcel ${KEY} { id: ID! box: Box } type Box ${KEY} { id: ID! }`,
  labels: `type Parcel ${KEY} @context(name: "parcel") { id: ID! fragile: Boolean }
    type Box ${KEY} { id: ID! label(fragile: Boolean @fromContext(field: "$parcel { fragile }")): String }`,
});

const cases: readonly [
  name: string,
  state: typeof parcels,
  query: string,
  damage: Damage,
  problem: string | RegExp,
][] = [
  [
    'without a plan',
    parcels,
    '{ parcel { label } }',
    () => undefined,
    'Query.parcel at parcel is not fetched',
  ],
  [
    'that lacks a field',
    parcels,
    '{ parcel { label tag } }',
    inOperation('goods', ' tag', ''),
    'Parcel.tag at parcel.tag is not fetched',
  ],
  [
    'that lacks a fetch',
    parcels,
    '{ parcel { label depot } }',
    without('shipping'),
    'Parcel.depot at parcel.depot is not fetched',
  ],
  [
    'that lacks a field below a union',
    parcels,
    '{ things { ... on Maker { name } ... on Parcel { tag } } }',
    inOperation('goods', /\.\.\.on Maker ?\{name\}/, ''),
    'Maker.name at things.name is not fetched',
  ],
  [
    'that lacks what is selected of an object for the second time',
    parcels,
    '{ parcel { maker { id } maker { name } } }',
    inOperation('goods', ' name', ''),
    'Maker.name at parcel.maker.name is not fetched',
  ],
  [
    'that does not ask for the type of what a union holds',
    parcels,
    '{ things { ... on Maker { name } } }',
    inOperation('goods', '__typename ', ''),
    'Parcel.__typename at things.__typename is not fetched',
  ],
  [
    'whose field has another argument',
    parcels,
    '{ parcel { weight(unit: "OZ") } }',
    inOperation('goods', 'OZ', 'LB'),
    'Parcel.weight(unit: "OZ") at parcel.weight would be answered by weight(unit: "LB")',
  ],
  [
    'whose field is another one under its name',
    parcels,
    '{ parcel { tag label } }',
    inOperation('goods', ' label', ' label:tag'),
    'Parcel.label at parcel.label would be answered by tag',
  ],
  [
    'that does not send what a @requires needs',
    parcels,
    '{ parcel { pounds } }',
    sending('shipping', (name) => (name === 'weight' ? null : name)),
    'Parcel.pounds at parcel.pounds is not fetched: Parcel.weight is not sent',
  ],
  [
    'that sends what a @requires needs with another argument',
    parcels,
    '{ parcel { pounds } }',
    inOperation('goods', 'LB', 'OZ'),
    'Parcel.pounds at parcel.pounds is not fetched: Parcel.weight is taken for weight(unit: "LB") where it holds weight(unit: "OZ")',
  ],
  [
    'that sends what nobody has fetched',
    parcels,
    '{ parcel { pounds } }',
    inOperation('goods', /r\d__weight:weight\(unit:"LB"\)/, ''),
    'Parcel.pounds at parcel.pounds is not fetched: Parcel.weight is sent before it is known',
  ],
  [
    'that sends what is fetched at the same time',
    parcels,
    '{ parcel { depot } }',
    atOnce,
    /^Parcel\.depot at parcel\.depot is not fetched/,
  ],
  [
    'that sends something that is no key',
    parcels,
    '{ parcel { tag depot } }',
    sending('shipping', (name) => (name === 'id' ? 'tag' : name)),
    'Parcel.depot at parcel.depot is not fetched: Parcel.id is not sent',
  ],
  [
    'that goes in by a key which is not resolvable',
    parcels,
    '{ parcel { depot } }',
    inFetch('shipping', ({ operation }) => ({
      serviceName: 'tags',
      operation: operation.replace('depot', 'id'),
    })),
    'Parcel.depot at parcel.depot is not fetched: tags cannot find Parcel by what it is sent',
  ],
  [
    'that asks another subgraph',
    parcels,
    '{ parcel { depot } }',
    inFetch('shipping', () => ({ serviceName: 'makers' })),
    'makers does not have Parcel.depot',
  ],
  [
    'that asks a subgraph for what is external to it',
    parcels,
    '{ parcel { depot weight } }',
    inOperation('shipping', 'depot', 'depot weight'),
    'shipping does not resolve Parcel.weight',
  ],
  [
    'that takes what is provided elsewhere only',
    parcels,
    '{ parcel { label depot } first { depot } }',
    inOperation('goods', 'label', 'label depot'),
    'goods does not resolve Parcel.depot',
  ],
  [
    'that asks a subgraph that there is not',
    parcels,
    '{ parcel { label } }',
    inFetch('goods', () => ({ serviceName: 'gone' })),
    'there is no subgraph gone',
  ],
  [
    'that fetches under a condition what is asked for under none',
    parcels,
    'query($yes: Boolean!) { parcel { label depot weight @include(if: $yes) } }',
    onlyIf('yes', 'shipping'),
    'Parcel.depot at parcel.depot is not fetched',
  ],
  [
    'that fetches under the opposite condition',
    parcels,
    'query($yes: Boolean!) { parcel { label @skip(if: $yes) } }',
    inOperation('goods', '@skip', '@include'),
    'Parcel.label at parcel.label is not fetched',
  ],
  [
    'that asks for some types only',
    nodes,
    '{ nodes { ... on Dog { bark } ... on Cat { meow } } }',
    inFetch('loud', ({ requires = [] }) => ({ requires: requires.slice(0, 1) })),
    /^(Cat\.meow|Dog\.bark) at nodes\.\w+ is not fetched$/,
  ],
  [
    'that takes an interface for the type of its objects',
    nodes,
    '{ peers { age ... on Dog { bark } } }',
    without('named'),
    'Dog.__typename at peers.__typename is not fetched',
  ],
  [
    'that does not tell an interface object what it requires',
    nodes,
    '{ nodes { call } }',
    sending('aged', (name) => (name === 'name' ? null : name)),
    /^(Dog|Cat)\.call at nodes\.call is not fetched: (Dog|Cat)\.name is not sent$/,
  ],
  [
    'that leaves types as they are where a subgraph knows the interface only',
    nodes,
    '{ nodes { age } }',
    inFetch('aged', () => ({ inputRewrites: undefined })),
    /^(Dog|Cat)\.age at nodes\.age is not fetched: aged cannot find (Dog|Cat) by what it is sent$/,
  ],
  [
    'that reads no context',
    boxes,
    '{ parcel { box { label } } }',
    inFetch('labels', () => ({ contextRewrites: undefined })),
    'Box.label at parcel.box.label is not fetched: nothing sets the context parcel above',
  ],
  [
    'that reads a context from another object',
    boxes,
    '{ parcel { box { label } } }',
    inFetch('labels', ({ contextRewrites }) => ({
      contextRewrites: contextRewrites?.map((one) => ({ ...one, path: ['..', ...one.path] })),
    })),
    'Box.label at parcel.box.label is not fetched: nothing sets the context parcel above',
  ],
  [
    'that reads a context which nobody has fetched',
    boxes,
    '{ parcel { box { label } } }',
    inOperation('labels', /fragile\}/, 'id}'),
    'Box.label at parcel.box.label is not fetched: the context parcel is read before Parcel.fragile is known',
  ],
  [
    'that puts off what was not to be deferred',
    parcels,
    '{ parcel { label ... @defer(label: "d") { depot } } }',
    (plan) => {
      const deferring = changed(plan, (node) => node);
      if (deferring.kind !== 'Defer') return assert.fail(`a ${deferring.kind}`);
      const node = inOperation('goods', ' label', '')(deferring.primary.node);
      return { ...deferring, primary: { node: changed(node, (one) => one) } };
    },
    'Parcel.label at parcel.label is not fetched',
  ],
];

for (const [name, state, query, damage, problem] of cases)
  test(`a plan ${name} is not sound`, () => {
    const { plan, check } = planOf(state, query);
    assert.equal(check(plan), null);
    const damaged = damage(plan);
    assert.notDeepEqual(damaged, plan);
    const found = check(damaged) ?? 'nothing';
    if (typeof problem === 'string') assert.equal(found, problem);
    else assert.match(found, problem);
  });

test('a plan is sound for the labels of @override that it was made for', () => {
  const state = stateOf({
    old: `type Query { thing: Thing } type Thing ${KEY} { id: ID! price: String }`,
    new: `type Thing ${KEY} { id: ID! price: String @override(from: "old", label: "beta") }`,
  });
  const beta = { ...state, overrides: new Map([['beta', true]]) };
  const [then, now] = [planOf(state, '{ thing { price } }'), planOf(beta, '{ thing { price } }')];
  assert.equal(then.check(then.plan), null);
  assert.equal(now.check(now.plan), null);
  assert.equal(now.check(then.plan), 'old does not resolve now Thing.price');
  assert.equal(then.check(now.plan), 'new does not resolve now Thing.price');
});

test('a plan is sound where the type of an object is told under a condition only, and not needed', () => {
  const state = createSupergraphState(composeSupergraph(shopSubgraphs()));
  const { plan, check } = planOf(
    state,
    `mutation($no: Boolean!) { review(productId: "b1", body: "x") @include(if: $no) { product { ... on Book { pages } } }
      rename(id: "u2", name: "x") { name } review(productId: "b1", body: "x") @skip(if: $no) { product { weight } } }`,
  );
  assert.equal(check(plan), null);
});
