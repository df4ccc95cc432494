import assert from 'node:assert/strict';
import { it } from 'node:test';
import { querySummary } from '#platform/tracing/query-summary.ts';

const SUMMARIES: Readonly<Record<string, readonly [text: string, operation?: string]>> = {
  // Of the conventions themselves.
  'SELECT * FROM wuser_table WHERE username = ?': ['SELECT wuser_table', 'SELECT'],
  'INSERT INTO shipping_details (order_id, address) SELECT order_id, address FROM orders WHERE order_id = ?':
    ['INSERT shipping_details SELECT orders'],
  'SELECT * FROM songs, artists WHERE songs.artist_id == artists.id': ['SELECT songs artists', 'SELECT'],
  'SELECT order_date FROM (SELECT * FROM orders o JOIN customers c ON o.customer_id = c.customer_id)': [
    'SELECT SELECT orders customers',
    'SELECT',
  ],
  'SELECT * FROM "song list", "artists"': ['SELECT "song list" "artists"', 'SELECT'],
  // As the platform writes them.
  'select "s0".* from "session" as "s0" where "s0"."id" in (?, ?) order by "s0"."id" asc limit ?': [
    'select "session"',
    'select',
  ],
  'delete from outbox where position in (?)': ['delete outbox', 'delete'],
  'select from session s where s.id = ? for no key update of s skip locked': ['select session', 'select'],
  'insert into note as n (id, at) values (?, ?) on conflict (id) do update set at = excluded.at, id = ?': [
    'insert note',
    'insert',
  ],
  'update only account set bio = ?, links = ? where id = ? returning id, bio': ['update account', 'update'],
  [`select coalesce(extract(epoch from clock_timestamp() - min(l.at)) * 1000, 0), 1 from outbox o
    join event_log l on l.stream = o.stream`]: ['select outbox event_log', 'select'],
  'select 1 from a where x is not distinct from y and z in (select z from b, c)': [
    'select a select b c',
    'select',
  ],
  'select i.stream from unnest(?::text[]) as s (stream) cross join lateral (select 1 from inbox limit 1) f, room':
    ['select select inbox room', 'select'],
  [`with recursive gone as not materialized (delete from "chat"."room" r using block, follow where r.id = ? returning id),
    kept as (select * from gone) insert into room_change select id from gone, kept`]: [
    'delete "chat"."room" block follow select insert room_change select',
  ],
  'select * from (values (?), (?)) as v (x)': ['select', 'select'],
  'select * from (room r join member m on true) where r.id = ?': ['select room member', 'select'],
  'truncate note, remark': ['truncate note remark', 'truncate'],
  'set local statement_timeout = 0': ['set', 'set'],
  [`select 'from secret' as "from", $tag$ from secret $tag$ /* from secret */ -- from secret
    from "odd ""name""" where email = 'it''s from secret'`]: ['select "odd ""name"""', 'select'],
  '': [''],
};

for (const [query, [text, operation]] of Object.entries(SUMMARIES))
  it(`sums up ${query.replace(/\s+/g, ' ').slice(0, 60)}`, () => {
    assert.deepEqual(querySummary(query), { text, operation });
    assert.equal(querySummary(query), querySummary(query));
  });

it('cuts a summary between two names', () => {
  const tables = Array.from({ length: 60 }, (_, index) => `table_${index + 10}`);
  const { text } = querySummary(`select * from ${tables.join(', ')}`);
  assert.equal(text, `select ${tables.slice(0, 27).join(' ')}`);
});
