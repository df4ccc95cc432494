import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { DONE_EVENTS } from '#platform/events/inbox-store.ts';
import type { PurgeRule } from '#platform/purge.ts';
import type { SubgraphDefinition } from '#platform/subgraph-process.ts';
import { analyticsSubgraph } from '../../subgraphs/analytics/subgraph.ts';
import { chatSubgraph } from '../../subgraphs/chat/subgraph.ts';
import { commerceSubgraph } from '../../subgraphs/commerce/subgraph.ts';
import { userSubgraph } from '../../subgraphs/user/subgraph.ts';
import { CHECKOUT } from '../support/platform-process.ts';

const HOUR_MS = 3_600_000;
const rows = [
  ...readFileSync(join(CHECKOUT, 'docs/retention.md'), 'utf8').matchAll(
    /^\| (\w+) \| (`[^|]+) \| ([^|]+) \|/gm,
  ),
].flatMap(([, owner = '', tables = '', kept = '']) =>
  [...tables.matchAll(/`(\w+)`/g)].map(([, table = '']) => ({ owner, table, kept })),
);

/** As the documentation writes it. */
function written(keepMs: number): string {
  if (keepMs % (24 * HOUR_MS) === 0) return `${keepMs / (24 * HOUR_MS)} days`;
  return keepMs % HOUR_MS === 0 ? `${keepMs / HOUR_MS} hours` : `${keepMs / 60_000} minutes`;
}

describe('docs/retention.md', () => {
  it('names every table, and no other', () => {
    const tablesIn = (owner: string, pattern: string) =>
      globSync(pattern, { cwd: CHECKOUT }).flatMap((file) =>
        [...readFileSync(join(CHECKOUT, file), 'utf8').matchAll(/create table (\w+)/g)].map(
          ([, table = '']) => `${owner}.${table}`,
        ),
      );
    const owners = ['user', 'chat', 'stream', 'commerce', 'analytics'];
    const created = [
      ...tablesIn('all', 'platform/{events/event-tables,files/unclaimed-files}.ts'),
      ...owners.flatMap((owner) => tablesIn(owner, `subgraphs/${owner}/data/migrations/*.ts`)),
    ];
    assert.deepEqual(rows.map(({ owner, table }) => `${owner}.${table}`).sort(), created.sort());
  });

  it('says how long what is purged is kept, as it is', () => {
    const rulesOf = ({ name, purges = [] }: Pick<SubgraphDefinition, 'name' | 'purges'>) =>
      purges.map((rule) => ({ owner: name, rule }));
    const rules: { owner: string; rule: PurgeRule }[] = [
      { owner: 'all', rule: DONE_EVENTS },
      ...[userSubgraph(), chatSubgraph(), commerceSubgraph(), analyticsSubgraph()].flatMap(rulesOf),
    ];
    for (const { owner, rule } of rules) {
      const row = rows.find((one) => one.owner === owner && one.table === rule.table);
      assert.ok(row?.kept.startsWith(written(rule.keepMs)), `${owner}.${rule.table}: ${row?.kept}`);
    }
  });
});
