import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Refusal } from '#platform/errors.ts';
import { mapConnection, parsePage, toConnection, type Page, type PageArgs } from '#platform/paging.ts';
import {
  idKey,
  instantKey,
  intKey,
  minorUnitsKey,
  numberKey,
  type SortKeyRule,
} from '#platform/sort-keys.ts';
import { newId } from '#platform/ids.ts';
import { seededRandom } from '../support/random.ts';

const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
const random = seededRandom(seed);

interface Row {
  readonly rank: number;
  readonly id: string;
}

const anyText = (key: string | number): key is string => typeof key === 'string';
const KEYS = [intKey, anyText] as const;
const keyOf = ({ rank, id }: Row) => [rank, id] as const;
const compare = (a: readonly (string | number)[], b: readonly (string | number)[]) =>
  Number(a[0]) - Number(b[0]) || (String(a[1]) < String(b[1]) ? -1 : Number(String(a[1]) > String(b[1])));

/** What a repository reads: up to limit + 1 rows behind the cursor, nearest first. */
function read(rows: readonly Row[], page: Page): Row[] {
  const inOrder = page.direction === 'forward' ? rows : rows.toReversed();
  const sign = page.direction === 'forward' ? 1 : -1;
  const { cursor } = page;
  return inOrder
    .filter((row) => cursor === null || compare(keyOf(row), cursor) * sign > 0)
    .slice(0, page.limit + 1);
}

const connect = (rows: readonly Row[], args: PageArgs) => {
  const page = parsePage(args, { keys: KEYS, defaultSize: 3 });
  return toConnection(read(rows, page), page, keyOf);
};

function randomRows(): Row[] {
  const count = Math.floor(random() * 30);
  const rows = Array.from({ length: count }, (_, index) => ({
    rank: Math.floor(random() * 5),
    id: `id${String(index).padStart(3, '0')}"\\é`,
  }));
  return rows.sort((a, b) => compare(keyOf(a), keyOf(b)));
}

const rulesOf = (run: () => unknown) => {
  try {
    run();
    return null;
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
    return [error.errors[0]['rule'], error.errors[0].field];
  }
};

describe(`paging (TEST_SEED=${seed})`, () => {
  it('walks through any list from both ends and sees every row once, in order', () => {
    for (let round = 0; round < 300; round += 1) {
      const rows = randomRows();
      const size = 1 + Math.floor(random() * 6);
      const forward: Row[] = [];
      const backward: Row[] = [];
      let end = connect(rows, { first: size });
      for (forward.push(...end.nodes); end.pageInfo.hasNextPage; forward.push(...end.nodes))
        end = connect(rows, { first: size, after: end.pageInfo.endCursor });
      let start = connect(rows, { last: size });
      for (backward.unshift(...start.nodes); start.pageInfo.hasPreviousPage; backward.unshift(...start.nodes))
        start = connect(rows, { last: size, before: start.pageInfo.startCursor });
      assert.deepEqual(forward, rows);
      assert.deepEqual(backward, rows);
    }
  });

  it('tells at both ends that there is no more', () => {
    const rows = [1, 2, 3].map((rank) => ({ rank, id: 'x' }));
    assert.deepEqual(connect(rows, { first: 3 }).pageInfo.hasNextPage, false);
    assert.deepEqual(connect(rows, { last: 3 }).pageInfo.hasPreviousPage, false);
    assert.deepEqual(connect([], {}).pageInfo, {
      hasNextPage: false,
      hasPreviousPage: false,
      startCursor: null,
      endCursor: null,
    });
  });

  it('allows sizes from 1 to 100', () => {
    assert.equal(parsePage({}, { keys: KEYS, defaultSize: 7 }).limit, 7);
    for (const first of [1, 100]) assert.equal(parsePage({ first }, { keys: KEYS }).limit, first);
    for (const first of [0, -1, 101, 1.5]) {
      assert.deepEqual(
        rulesOf(() => parsePage({ first }, { keys: KEYS })),
        ['OUT_OF_RANGE', ['first']],
      );
      assert.deepEqual(
        rulesOf(() => parsePage({ last: first }, { keys: KEYS })),
        ['OUT_OF_RANGE', ['last']],
      );
    }
  });

  it('refuses arguments of both directions', () => {
    const { startCursor: cursor } = connect([{ rank: 1, id: 'a' }], {}).pageInfo;
    const wrong = [
      { first: 1, last: 1 },
      { first: 1, before: cursor },
      { last: 1, after: cursor },
    ];
    for (const args of wrong)
      assert.equal(rulesOf(() => parsePage(args, { keys: KEYS }))?.[0], 'AMBIGUOUS_PAGE');
  });

  it('maps a connection and keeps its cursors', () => {
    const connection = connect([{ rank: 1, id: 'a' }], {});
    const mapped = mapConnection(connection, ({ id }) => id);
    assert.deepEqual(mapped.nodes, ['a']);
    assert.equal(mapped.edges[0]?.cursor, connection.edges[0]?.cursor);
  });
});

describe(`a cursor (TEST_SEED=${seed})`, () => {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

  it('that is no list of keys is refused, never an error', () => {
    const wrong = [
      '',
      '%',
      'x',
      encode({}),
      encode(null),
      encode([]),
      encode([null]),
      encode([{}]),
      encode([true]),
    ];
    wrong.push(encode(['a', 'b', 'c', 'd', 'e']), encode(['a\0b']), encode(['x'.repeat(5_000)]));
    wrong.push(
      Buffer.from('[1e999]').toString('base64url'),
      Buffer.from('['.repeat(1_000)).toString('base64url'),
    );
    for (let round = 0; round < 500; round += 1)
      wrong.push(
        Buffer.from(Array.from({ length: 20 }, () => Math.floor(random() * 256))).toString('base64'),
      );
    for (const after of wrong) {
      assert.deepEqual(
        rulesOf(() => parsePage({ after }, { keys: KEYS })),
        ['MALFORMED_CURSOR', ['after']],
        after,
      );
      assert.deepEqual(
        rulesOf(() => parsePage({ before: after }, { keys: KEYS })),
        ['MALFORMED_CURSOR', ['before']],
        after,
      );
    }
  });

  it('of another list is refused by the number and the kinds of its keys', () => {
    const check = (cursor: unknown, ...keys: SortKeyRule[]) =>
      rulesOf(() => parsePage({ after: encode(cursor) }, { keys }))?.[0] ?? 'fits';
    const instant = '2026-01-31T12:00:00.000Z';
    const user = newId('User');
    const byMoment = [instantKey, idKey('User')];
    assert.equal(check([instant, user], ...byMoment), 'fits');
    assert.equal(check([5, newId('Track')], intKey, idKey('User', 'Track')), 'fits');
    assert.equal(check(['123456789012345678'], minorUnitsKey), 'fits');
    assert.equal(check([0.25], numberKey), 'fits');
    const wrong: [unknown[], SortKeyRule[]][] = [
      [[user], byMoment],
      [[instant, user, user], byMoment],
      [['yesterday', user], byMoment],
      [['2026-02-30T00:00:00Z', user], byMoment],
      [[5, user], byMoment],
      [[instant, newId('Track')], byMoment],
      [[instant, 'usr_1'], byMoment],
      [['5'], [intKey]],
      [[1.5], [intKey]],
      [[3e9], [intKey]],
      [[5], [idKey('User')]],
      [[5], [minorUnitsKey]],
      [['-5'], [minorUnitsKey]],
      [['1234567890123456789'], [minorUnitsKey]],
      [['5'], [numberKey]],
    ];
    for (const [cursor, keys] of wrong)
      assert.equal(check(cursor, ...keys), 'MALFORMED_CURSOR', JSON.stringify(cursor));
  });

  it('that was not given leaves the page at an end of the list', () => {
    assert.equal(parsePage({}, { keys: KEYS }).cursor, null);
  });
});
