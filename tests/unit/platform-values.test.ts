import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GraphQLError } from 'graphql';
import { DEMO_LIVE_ROOM_ID, DEMO_SCHEDULED_ROOM_ID, DEMO_TRACKS, DEMO_USERS } from '#platform/demo.ts';
import { ID_PREFIXES, isId, newId, type IdType } from '#platform/ids.ts';
import { createGroupLoader, createListLoader, createLoader } from '#platform/loader.ts';
import { checkOptionalText, checkRange, checkText } from '#platform/rules.ts';
import { DateTime, Decimal, EventCursor, Json, Url } from '#platform/scalars.ts';
import { seededRandom } from '../support/random.ts';

const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
const random = seededRandom(seed);
const types = Object.keys(ID_PREFIXES) as IdType[];
const typesOf = (id: string) => types.filter((type) => isId(type, id));

describe(`ids (TEST_SEED=${seed})`, () => {
  it('are well formed, of their type only, and never twice the same', () => {
    const made = new Set<string>();
    for (const type of types) {
      for (let round = 0; round < 100; round += 1) {
        const id = newId(type);
        made.add(id);
        assert.deepEqual(typesOf(id), [type]);
      }
    }
    assert.equal(made.size, types.length * 100);
  });

  it('sort by their time, to the millisecond, from 1970 to the year 10889', () => {
    const times = Array.from({ length: 500 }, () => Math.floor(random() * 2 ** 48));
    times.push(0, 1, 2 ** 48 - 1, Date.now(), Date.now() + 1);
    const sorted = [...new Set(times)].sort((a, b) => a - b);
    const ids = sorted.map((time) => newId('Message', time));
    assert.deepEqual([...ids].sort(), ids);
    assert.ok(ids.every((id) => isId('Message', id)));
  });

  it('that are malformed belong to no type', () => {
    const body = newId('User').slice(4);
    const wrong = [
      '',
      '_',
      'usr',
      'usr_',
      `xxx_${body}`,
      `usr-${body}`,
      `usr_${body}0`,
      `usr_${body.slice(1)}`,
    ];
    wrong.push(
      `USR_${body}`,
      `usr_${body.toUpperCase()}!`,
      `usr_8${body.slice(1)}`,
      `usr_${body}\n`,
      ` usr_${body}`,
    );
    for (const letter of ['i', 'l', 'o', 'u']) wrong.push(`usr_${body.slice(0, -1)}${letter}`);
    for (const id of wrong) assert.deepEqual(typesOf(id), [], JSON.stringify(id));
  });

  it('of the demo are real ids', () => {
    for (const { id } of DEMO_USERS) assert.ok(isId('User', id), id);
    for (const { id } of DEMO_TRACKS) assert.ok(isId('Track', id), id);
    for (const id of [DEMO_LIVE_ROOM_ID, DEMO_SCHEDULED_ROOM_ID]) assert.ok(isId('LiveRoom', id), id);
  });
});

describe('rules of texts', () => {
  const limits = { minChars: 2, maxChars: 4 };
  const ruleOf = (text: string) => checkText('input.title', text, limits)[0]?.['rule'] ?? null;

  it('count characters as people do, after trimming', () => {
    assert.deepEqual(['ab', 'abcd', ' ab ', '🎧🎧🎧🎧'].map(ruleOf), [null, null, null, null]);
    assert.deepEqual(['', '   ', 'a', ' a ', 'abcde', '🎧🎧🎧🎧🎧'].map(ruleOf), [
      'REQUIRED',
      'REQUIRED',
      'TOO_SHORT',
      'TOO_SHORT',
      'TOO_LONG',
      'TOO_LONG',
    ]);
  });

  it('take nothing for a text that nobody can see', () => {
    const unseen = ['\u200b\u200b', '\u2060 \u00a0', '\u3164\u3164', '\u{e0100}\ufeff'];
    assert.deepEqual(unseen.map(ruleOf), Array(4).fill('REQUIRED'));
    assert.deepEqual(['❤️', 'می‌', 'a\u200db'].map(ruleOf), [null, null, null]);
  });

  it('refuse what a database cannot store or what turns the writing around, and let tabs and line breaks pass', () => {
    assert.deepEqual(
      ['a\0b', 'a\u001b', 'a\ud800', '\udc00a', 'a\u007f', '\u202ea', 'a\u202d'].map(ruleOf),
      Array(7).fill('INVALID_CHARACTERS'),
    );
    assert.deepEqual(['עדה', 'عدا', '\u200fab'].map(ruleOf), [null, null, null]);
    assert.deepEqual(['a\tb', 'a\nb', 'a\r\nb'].map(ruleOf), [null, null, null]);
  });

  it('name the field by its path', () => {
    assert.deepEqual(checkText('input.title', '', limits)[0]?.field, ['input', 'title']);
  });

  it('let an optional text be left out', () => {
    assert.deepEqual(checkOptionalText('bio', null, limits), []);
    assert.deepEqual(checkOptionalText('bio', undefined, limits), []);
    assert.equal(checkOptionalText('bio', '', limits).length, 1);
  });

  it('allow both ends of a range, and no number that is none', () => {
    const fits = (value: number) => checkRange('volume', value, 0, 10).length === 0;
    assert.deepEqual([0, 10, 5, -1, 11, Number.NaN, Infinity].map(fits), [
      true,
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('scalars', () => {
  const refused = (parse: () => unknown) =>
    assert.throws(
      parse,
      (error) => error instanceof GraphQLError && error.extensions['code'] === 'BAD_USER_INPUT',
    );

  it('take RFC 3339 instants of real days, and return them in UTC', () => {
    const instants = {
      '2026-01-31T12:00:00Z': '2026-01-31T12:00:00.000Z',
      '2026-01-31T12:00:00.123456789+02:30': '2026-01-31T09:30:00.123Z',
      '2024-02-29T23:59:59-00:00': '2024-02-29T23:59:59.000Z',
      '0001-01-01T00:00:00Z': '0001-01-01T00:00:00.000Z',
      '9999-12-31T23:59:59.999Z': '9999-12-31T23:59:59.999Z',
    };
    for (const [given, kept] of Object.entries(instants)) {
      assert.equal(DateTime.serialize(DateTime.parseValue(given)), kept);
    }
  });

  it('refuse instants that do not exist or cannot be stored', () => {
    const wrong = [
      '2026-02-30T00:00:00Z',
      '2025-02-29T00:00:00Z',
      '2026-04-31T00:00:00Z',
      '2026-13-01T00:00:00Z',
    ];
    wrong.push(
      '2026-01-00T00:00:00Z',
      '2026-01-01T24:00:00Z',
      '2026-01-01T00:60:00Z',
      '2026-01-01T00:00:60Z',
    );
    wrong.push(
      '2026-01-01',
      '2026-01-01T00:00:00',
      '2026-01-01T00:00:00+24:00',
      '',
      'now',
      ' 2026-01-01T00:00:00Z',
    );
    wrong.push('0000-01-01T00:00:00Z', '9999-12-31T23:59:59-01:00', '+010000-01-01T00:00:00Z');
    for (const value of [...wrong, 0, null, {}, new Date()]) refused(() => DateTime.parseValue(value));
  });

  it('blame nobody but us for a result that is no instant', () => {
    for (const value of ['soon', 5, null, new Date(Number.NaN)]) {
      assert.throws(
        () => DateTime.serialize(value),
        (error) => !(error instanceof GraphQLError),
      );
    }
  });

  it('take absolute web addresses only', () => {
    assert.equal(Url.parseValue('https://veza.example/a b'), 'https://veza.example/a%20b');
    const wrong = [
      'javascript:alert(1)',
      '/path',
      'ftp://x',
      'http://',
      '',
      `https://x/${'a'.repeat(2_048)}`,
      5,
      null,
    ];
    for (const value of wrong) refused(() => Url.parseValue(value));
  });

  it('take exact decimals within their digits', () => {
    const right = ['0', '-0.5', '12.50', '999999999999999.99999999'];
    for (const value of right) assert.equal(Decimal.parseValue(value), value);
    const wrong = [
      '',
      '01',
      '1.',
      '.5',
      '1e3',
      '+1',
      '1,5',
      'NaN',
      '1'.repeat(16),
      '0.123456789',
      12.5,
      null,
      '1\n',
    ];
    for (const value of wrong) refused(() => Decimal.parseValue(value));
  });

  it('take JSON up to its size in bytes, without what PostgreSQL cannot store', () => {
    for (const value of [null, 0, [], { a: [1, 'x'] }, 'x'.repeat(16_382), '\\u0000', 'a\\\\u0000', '🎧']) {
      assert.deepEqual(Json.parseValue(value), value);
    }
    let deep: unknown = [];
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
    for (const value of [
      'x'.repeat(16_383),
      'ä'.repeat(8_200),
      'a\0',
      { 'a\0': 1 },
      '\ud800',
      '\\\0',
      deep,
    ]) {
      refused(() => Json.parseValue(value));
    }
  });

  it('take only texts for a resume position', () => {
    assert.equal(EventCursor.parseValue('abc'), 'abc');
    for (const value of [5, null, {}]) refused(() => EventCursor.parseValue(value));
  });
});

describe('a loader', () => {
  it('asks once for the distinct keys of a batch, and loads what is missing as null', async () => {
    const asked: (readonly string[])[] = [];
    const loader = createLoader(
      async (keys) => {
        asked.push(keys);
        return keys
          .filter((key) => key !== 'missing')
          .map((key) => ({ key }))
          .toReversed();
      },
      ({ key }) => key,
    );
    const values = await Promise.all(['a', 'b', 'a', 'missing'].map((key) => loader.load(key)));
    assert.deepEqual(values, [{ key: 'a' }, { key: 'b' }, { key: 'a' }, null]);
    assert.deepEqual(asked, [['a', 'b', 'missing']]);
  });

  it('of groups gives each key what belongs to it, in the order in which it was read', async () => {
    const rows = ['b2', 'a1', 'b1'];
    const loader = createGroupLoader(
      async () => rows,
      (row) => row.slice(0, 1),
    );
    assert.deepEqual(await loader.loadMany(['a', 'b', 'none']), [['a1'], ['b2', 'b1'], []]);
  });

  it('of lists asks once for all owners that want the same page, and apart for other pages', async () => {
    const asked: unknown[] = [];
    const loader = createListLoader(
      async (owners, args: { first: number }) => {
        asked.push([owners, args]);
        return owners.map((owner) => ({ owner, text: `${owner}${args.first}` }));
      },
      ({ owner }) => owner,
    );
    const load = async (owner: string, first: number) =>
      (await loader.load(owner, { first })).map(({ text }) => text);
    assert.deepEqual(await Promise.all([load('a', 1), load('b', 1), load('a', 2)]), [['a1'], ['b1'], ['a2']]);
    assert.deepEqual(asked, [
      [['a', 'b'], { first: 1 }],
      [['a'], { first: 2 }],
    ]);
    await load('a', 1);
    assert.equal(asked.length, 2);
    loader.clearAll();
    await load('a', 1);
    assert.equal(asked.length, 3);
  });
});
