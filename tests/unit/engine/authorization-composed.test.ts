import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { CHECKOUT } from '../../support/platform-process.ts';
import { ANYBODY, same, scoped, start, unauthorized } from './authorization-kit.ts';

const LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import:';
const SUBGRAPHS = {
  a: `${LINK} ["@key", "@shareable", "@authenticated", { name: "@requiresScopes", as: "@scopes" }])
    type Query { me: User any: String @authenticated }
    type User @key(fields: "id") { id: ID! size: Int @scopes(scopes: [["a"]]) @shareable }`,
  b: `${LINK} ["@key", "@shareable", { name: "@requiresScopes", as: "@scopes" }])
    type User @key(fields: "id") { id: ID! size: Int @scopes(scopes: [["b"], ["c"]]) @shareable mail: String }`,
};

test('what the script composes demands all that its subgraphs do together', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'veza-composed-'));
  t.after(() => rm(folder, { recursive: true }));
  const listed = Object.entries(SUBGRAPHS).map(async ([name, text]) => {
    await writeFile(join(folder, `${name}.graphql`), text);
    return `  ${name}: { routing_url: "http://${name}.invalid", schema: { file: ${name}.graphql } }`;
  });
  const [config, output] = [join(folder, 'supergraph.yaml'), join(folder, 'supergraph.graphql')];
  const lines = ['federation_version: =2.14.4', 'subgraphs:', ...(await Promise.all(listed))];
  await writeFile(config, lines.join('\n'));
  const script = join(CHECKOUT, 'scripts', 'compose.ts');
  await promisify(execFile)(process.execPath, [script, '--config', config, '--output', output]);

  const resolvers = { Query: { me: () => ({ id: '1', size: 3 }), any: () => 'x' } };
  const subgraphs = {
    a: { isFederation1: true, typeDefs: SUBGRAPHS.a, resolvers },
    b: { isFederation1: true, typeDefs: SUBGRAPHS.b },
  };
  const { ask } = start(subgraphs, {}, await readFile(output, 'utf8'));
  for (const grants of [ANYBODY, scoped('a'), scoped('b', 'c')])
    same((await ask('{ me { size } }', grants)).errors, [unauthorized('me', 'size')]);
  for (const grants of [scoped('a', 'b'), scoped('a', 'c')])
    same(await ask('{ any me { size } }', grants), { data: { any: 'x', me: { size: 3 } } });
  assert.equal((await ask('{ any }', ANYBODY)).errors?.length, 1);
});
