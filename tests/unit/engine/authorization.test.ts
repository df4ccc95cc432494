import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { admitted, ANYBODY, same, scoped, SIGNED_IN, start, unauthorized } from './authorization-kit.ts';

/** Every place of the three directives, in one field each. */
const place = (use: string) => ({
  a: {
    typeDefs: `
      type Query { open: String field: String ${use} object: Guarded objects: [Guarded!] scalar: Secret enums: [Level!]
        holder: Holder }
      type Guarded ${use} { id: ID! }
      type Holder { id: ID! mine: Guarded name: String }
      scalar Secret ${use}
      enum Level ${use} { LOW HIGH }`,
    resolvers: {
      Query: {
        open: () => 'open',
        field: () => 'field',
        object: () => ({ id: '1' }),
        objects: () => [{ id: '1' }],
        scalar: () => 'secret',
        enums: () => ['LOW'],
        holder: () => ({ id: '1', mine: { id: '2' }, name: 'Ada' }),
      },
    },
  },
});

const QUERIES = [
  ['a field', 'field', 'field', 'field'],
  ['an object type', 'object { id }', 'object', { id: '1' }],
  ['an object type in a list', 'objects { id }', 'objects', [{ id: '1' }]],
  ['a scalar', 'scalar', 'scalar', 'secret'],
  ['an enum in a list', 'enums', 'enums', ['LOW']],
] as const;

const DIRECTIVES = [
  ['@authenticated', SIGNED_IN, ANYBODY],
  ['@requiresScopes(scopes: [["read"]])', scoped('other', 'read'), scoped('other')],
  ['@requiresScopes(scopes: [["a", "b"], ["c"]])', scoped('a', 'b'), scoped('a')],
  ['@requiresScopes(scopes: [["a", "b"], ["c"]])', scoped('c'), ANYBODY],
  ['@policy(policies: [["paying"]])', admitted('paying'), scoped('paying')],
  ['@policy(policies: [["a", "b"], ["c"]])', admitted('c'), admitted('b')],
] as const;

for (const [use, enough, tooLittle] of DIRECTIVES)
  describe(use, () => {
    const { ask, sent } = start(place(use));
    for (const [where, selection, name, value] of QUERIES)
      test(`on ${where} shows it to whoever meets it, and to nobody else`, async () => {
        const query = `{ open ${selection} }`;
        same(await ask(query, enough), { data: { open: 'open', [name]: value } });
        sent();
        same(await ask(query, tooLittle), {
          errors: [unauthorized(name)],
          data: { open: 'open', [name]: null },
        });
        same(sent(), ['{open}']);
      });

    test('is not asked for where everything is missing', async () => {
      same(await ask('{ field scalar }', tooLittle), {
        errors: [unauthorized('field'), unauthorized('scalar')],
        data: { field: null, scalar: null },
      });
      same(sent(), []);
    });

    test('counts where the field of another object returns the type', async () => {
      same(await ask('{ holder { mine { id } } }', tooLittle), {
        errors: [unauthorized('holder', 'mine')],
        data: { holder: { mine: null } },
      });
    });
  });

test('several directives have to be met all together', async () => {
  const { ask } = start(place('@authenticated @requiresScopes(scopes: [["a"]]) @policy(policies: [["p"]])'));
  for (const grants of [ANYBODY, SIGNED_IN, scoped('a'), admitted('p')])
    assert.equal((await ask('{ field }', grants)).errors?.length, 1);
  const grants = { ...scoped('a'), policies: new Set(['p']) };
  same(await ask('{ field }', grants), { data: { field: 'field' } });
});

test('the directives may bear other names, and those of others mean nothing', async () => {
  const { ask } = start({
    a: {
      isFederation1: true,
      typeDefs: `
        extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: [
          { name: "@authenticated", as: "@signedIn" }, { name: "@requiresScopes", as: "@needs" }, { name: "@policy", as: "@rule" }])
        directive @authenticated on FIELD_DEFINITION
        type Query { one: String @signedIn two: String @needs(scopes: [["s"]]) three: String @rule(policies: [["p"]])
          four: String @authenticated }`,
      fieldResolver: () => 'x',
    },
  });
  same(await ask('{ one two three four }', ANYBODY), {
    errors: ['one', 'two', 'three'].map((name) => unauthorized(name)),
    data: { one: null, two: null, three: null, four: 'x' },
  });
});

const PEOPLE = {
  people: {
    typeDefs: `
      type Query { people: [Person!] first: Person sure: Person! grid: [[Person]!]! }
      type Mutation { rename(id: ID!): Person drop(id: ID!): Boolean @authenticated }
      type Person @key(fields: "id") { id: ID! name: String }`,
    resolvers: {
      Query: {
        people: () => [
          { id: '1', name: 'Ada' },
          { id: '2', name: 'Bob' },
        ],
        first: () => ({ id: '1', name: 'Ada' }),
        sure: () => ({ id: '1', name: 'Ada' }),
        grid: () => [[{ id: '1' }, { id: '2' }]],
      },
      Person: { __resolveReference: () => ({ id: '2', name: 'Bob' }) },
      Mutation: { rename: () => ({ id: '1', name: 'Eve' }), drop: () => assert.fail('must not run') },
    },
  },
  mails: {
    typeDefs: `type Person @key(fields: "id") { id: ID! mail: String @requiresScopes(scopes: [["mail"]])
      address(kind: String): String! @authenticated friend: Person @authenticated size: Int }`,
    resolvers: {
      Person: {
        mail: ({ id }: { id: string }) => `${id}@x`,
        address: ({ id }: { id: string }, { kind }: { kind?: string }) => `${kind ?? ''}${id}`,
        friend: () => ({ id: '2' }),
        size: () => 180,
      },
    },
  },
};

describe('what is withheld', () => {
  const { ask, sent } = start(PEOPLE);

  test('is null in every item of a list, each with its path, and its subgraph is not asked', async () => {
    same(await ask('{ people { name mail } }', SIGNED_IN), {
      errors: [unauthorized('people', 0, 'mail'), unauthorized('people', 1, 'mail')],
      data: {
        people: [
          { name: 'Ada', mail: null },
          { name: 'Bob', mail: null },
        ],
      },
    });
    const [only, ...others] = sent();
    assert.equal(others.length, 0);
    assert.doesNotMatch(only ?? '', /mail|_entities/);
  });

  test('takes away what must not be null: an object, all of a list, or all data', async () => {
    same(await ask('{ first { name address } }', ANYBODY), {
      errors: [unauthorized('first', 'address')],
      data: { first: null },
    });
    same((await ask('{ people { address } }', ANYBODY)).data, { people: null });
    same((await ask('{ sure { address } }', ANYBODY)).data, null);
    same((await ask('{ grid { address } }', ANYBODY)).data, { grid: [[null, null]] });
  });

  test('has its errors under the names of the client, however they clash with ours', async () => {
    same(await ask('{ p: first { mail: name id: mail c__x: mail } }', ANYBODY), {
      errors: [unauthorized('p', 'id'), unauthorized('p', 'c__x')],
      data: { p: { mail: 'Ada', id: null, c__x: null } },
    });
  });

  test('is found in fragments, wherever these are spread', async () => {
    const query = `query { first { ...F } people { ...F ... { size } } }
      fragment F on Person { name ...G } fragment G on Person { mail ... on Person { mail2: mail } }`;
    sent();
    const answer = await ask(query, ANYBODY);
    const person = (name: string) => ({ name, mail: null, mail2: null });
    same(answer.data, {
      first: person('Ada'),
      people: [
        { ...person('Ada'), size: 180 },
        { ...person('Bob'), size: 180 },
      ],
    });
    assert.equal(answer.errors?.length, 6);
    assert.doesNotMatch(sent().join(), /mail/);
    const all = await ask(query, scoped('mail'));
    same(all.errors, undefined);
    same(all.data, {
      first: { name: 'Ada', mail: '1@x', mail2: '1@x' },
      people: [
        { name: 'Ada', mail: '1@x', mail2: '1@x', size: 180 },
        { name: 'Bob', mail: '2@x', mail2: '2@x', size: 180 },
      ],
    });
  });

  test('is an error only where the conditions around it ask for it', async () => {
    const query =
      'query ($on: Boolean = false) { first { name mail @include(if: $on) ... @skip(if: $on) { friend { id } } } }';
    same(await ask(query, ANYBODY), {
      errors: [unauthorized('first', 'friend')],
      data: { first: { name: 'Ada', friend: null } },
    });
    same(await ask(query, ANYBODY, { on: true }), {
      errors: [unauthorized('first', 'mail')],
      data: { first: { name: 'Ada', mail: null } },
    });
    same(await ask('{ first { name mail @include(if: false) } }', ANYBODY), {
      data: { first: { name: 'Ada' } },
    });
  });

  test('takes its variables along, which are checked all the same', async () => {
    const query = 'query ($kind: String) { first { name address(kind: $kind) } }';
    same((await ask(query, SIGNED_IN, { kind: 'home' })).data, { first: { name: 'Ada', address: 'home1' } });
    sent();
    same((await ask(query, ANYBODY, { kind: 'home' })).data, { first: null });
    assert.doesNotMatch(sent().join(), /kind/);
    const { errors } = await ask(query, ANYBODY, { kind: 1 });
    assert.equal(errors?.[0]?.extensions?.['code'], 'BAD_USER_INPUT');
  });

  test('leaves an object that is empty then, and null where there is none', async () => {
    same((await ask('{ first { mail friend { mail } } }', SIGNED_IN)).data, {
      first: { mail: null, friend: { mail: null } },
    });
  });

  test('does not run as a mutation, while its neighbours do', async () => {
    same(await ask('mutation { rename(id: 1) { name mail } drop(id: 1) }', ANYBODY), {
      errors: [unauthorized('rename', 'mail'), unauthorized('drop')],
      data: { rename: { name: 'Eve', mail: null }, drop: null },
    });
    assert.doesNotMatch(sent().join(), /drop/);
  });

  test('is reported for a hundred items of a long list, not for all', async () => {
    const many = Array.from({ length: 150 }, (_, n) => ({ id: String(n) }));
    const { people, mails } = PEOPLE;
    const resolvers = { Query: { people: () => many } };
    const long = start({ people: { ...people, resolvers }, mails });
    const { data, errors } = await long.ask('{ people { mail friend { id } } }', ANYBODY);
    assert.equal(errors?.length, 200);
    assert.ok(Array.isArray(data?.['people']) && data['people'].length === 150);
  });

  test('is there for introspection', async () => {
    const query = '{ __typename __type(name: "Person") { fields { name } } drop: __typename }';
    const { data, errors } = await ask(query, ANYBODY);
    assert.equal(errors, undefined);
    assert.match(JSON.stringify(data), /"mail"/);
  });
});

describe('an operation that is kept compiled', () => {
  test('answers each caller by its own rights, whoever asked first', async () => {
    const { ask, engine } = start(PEOPLE);
    const query = '{ first { name mail friend { name } } }';
    const [name, mail] = ['Ada', '1@x'];
    const expected = [
      [ANYBODY, { name, mail: null, friend: null }],
      [scoped('mail'), { name, mail, friend: { name: 'Bob' } }],
      [SIGNED_IN, { name, mail: null, friend: { name: 'Bob' } }],
      [scoped('mail', 'other'), { name, mail, friend: { name: 'Bob' } }],
    ] as const;
    for (let round = 1; round <= 3; round++)
      for (const [grants, first] of expected) same((await ask(query, grants)).data, { first });
    // Once for all, and once for each of three different answers.
    assert.equal(engine.operationCache().misses, 4);
  });

  test('is one for all where it asks for nothing that is guarded', async () => {
    const { ask, engine } = start(PEOPLE);
    for (const grants of [ANYBODY, SIGNED_IN, scoped('mail')])
      same((await ask('{ first { name size } }', grants)).data, { first: { name: 'Ada', size: 180 } });
    assert.deepEqual(engine.operationCache().misses, 1);
  });

  test('is not reached by the name of an operation that a client makes up', async () => {
    const { engine, ask } = start(PEOPLE);
    const query = 'query A { first { mail } }';
    same((await ask(query, scoped('mail'))).data, { first: { mail: '1@x' } });
    for (const operationName of ['1=A', '1=', '=A', '11=A', '1 A']) {
      const answer = await engine.execute(
        { query, operationName },
        { headers: {}, signal: AbortSignal.abort() },
      );
      assert.equal(answer.errors?.[0]?.extensions?.['code'], 'OPERATION_RESOLUTION_FAILURE');
    }
  });
});
