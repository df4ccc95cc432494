import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { Kind, parse, visit, type ASTNode } from 'graphql';
import { ERROR_STATUS } from '#platform/errors.ts';
import { CLOSE_CODES, ERROR_CODES } from '#schema/signalling.ts';

const ROOT = resolve(import.meta.dirname, '..');
const UNITS = [
  'gateway',
  'media-server',
  ...['user', 'chat', 'stream', 'commerce', 'analytics'].map((name) => `subgraphs/${name}`),
];
const CLIENTS = ['clients/live', 'clients/realtime'];
const SOURCE_FOLDERS = ['schema', 'platform', 'scripts', 'tests', ...CLIENTS, ...UNITS];
const FORBIDDEN_NAMES = /^(utils?|helpers?|common|types?|misc|manager)\.(ts|mts|mjs)$/;
const MAX_LINES = 300;

const sources = SOURCE_FOLDERS.flatMap((folder) => globSync(`${folder}/**/*.{ts,mts,mjs}`, { cwd: ROOT }))
  .filter((file) => !/\/(generated|dist|node_modules)\//.test(file))
  .sort();
const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8');

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s(?:[^'"\n]|\n(?!\s*(?:import|export|const|function)\b))*?from\s+'([^']+)'|import\('([^']+)'\)|(?:^|\n)import\s+'([^']+)'/g;

/** Files of this repository that `file` imports, as paths from the root; with `atRunTime` without those of which it needs the types alone. */
function importsOf(file: string, atRunTime = false): string[] {
  const found = [...textOf(file).matchAll(IMPORT)].filter(
    ([text]) => !(atRunTime && /^\s*(import|export) type\b/.test(text)),
  );
  return found.flatMap(([, a, b, c]) => {
    const name = a ?? b ?? c ?? '';
    if (name.startsWith('#')) return [name.slice(1)];
    return name.startsWith('.') ? [relative(ROOT, resolve(ROOT, dirname(file), name))] : [];
  });
}

/** The unit a file belongs to: a process, or one of the shared folders. */
function unitOf(file: string): string {
  return SOURCE_FOLDERS.find((folder) => file.startsWith(`${folder}/`)) ?? file;
}

function mayImport(from: string, to: string): boolean {
  const [source, target] = [unitOf(from), unitOf(to)];
  if (source === target || source === 'scripts' || source === 'tests') return true;
  if (source === 'schema') return false;
  if (source === 'platform') return target === 'schema';
  // The other one is published, and has to work alone.
  if (CLIENTS.includes(source)) return source === 'clients/live' && target === 'schema';
  // The page of a live room is a client, and is bundled from the same packages that users install.
  if (source === 'media-server' && CLIENTS.includes(target)) return from.startsWith('media-server/page/');
  return target === 'schema' || target === 'platform';
}

describe('the architecture', () => {
  it('crosses a process boundary only through schema/ and platform/ [R10 R11]', () => {
    const crossings = sources.flatMap((file) =>
      importsOf(file)
        .filter((target) => !mayImport(file, target))
        .map((target) => `${file} → ${target}`),
    );
    assert.deepEqual(crossings, []);
  });

  it('keeps domain code free of everything but itself, errors, rules and the form of ids [R11]', () => {
    const allowed = new Set(['platform/errors.ts', 'platform/rules.ts', 'platform/ids.ts']);
    const outward = sources
      .filter((file) => /^(subgraphs\/\w+|media-server)\/domain\//.test(file))
      .flatMap((file) =>
        importsOf(file, true)
          .filter(
            (target) =>
              !target.startsWith(dirname(file)) && !allowed.has(target) && !target.startsWith('schema/'),
          )
          .map((target) => `${file} → ${target}`),
      );
    assert.deepEqual(outward, []);
  });

  it('keeps domain code synchronous, without clock and randomness', () => {
    const impure = sources
      .filter((file) => /^(subgraphs\/\w+|media-server)\/domain\//.test(file) && !file.endsWith('ports.ts'))
      .filter((file) =>
        /\basync\b|\bawait\b|Date\.now|new Date\(\)|Math\.random|node:crypto|\bnewId\b/.test(textOf(file)),
      );
    assert.deepEqual(impure, []);
  });

  it('reads the environment and starts things in entry files only', () => {
    const readers = sources
      .filter((file) => UNITS.includes(unitOf(file)) || unitOf(file) === 'platform')
      .filter((file) => basename(file) !== 'index.ts' && !file.endsWith('.mjs'))
      .filter((file) => /process\.env\b/.test(textOf(file)));
    // Apollo's packages read this one variable themselves, while they are loaded.
    assert.deepEqual(
      readers.filter((file) => !/APOLLO_TELEMETRY_DISABLED/.test(textOf(file))),
      [],
    );
  });

  it('has no file that imports an entry file', () => {
    const importers = sources.flatMap((file) =>
      importsOf(file)
        .filter((target) => UNITS.some((unit) => target === `${unit}/index.ts`))
        .map((target) => `${file} → ${target}`),
    );
    assert.deepEqual(importers, []);
  });

  it('has no import cycles at run time', () => {
    const done = new Set<string>();
    const cycles: string[] = [];
    const walk = (file: string, path: readonly string[]) => {
      if (path.includes(file)) return void cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      if (done.has(file) || !sources.includes(file)) return undefined;
      for (const target of importsOf(file, true)) walk(target, [...path, file]);
      return void done.add(file);
    };
    for (const file of sources) walk(file, []);
    assert.deepEqual(cycles, []);
  });

  it('names files by nouns and keeps them short', () => {
    assert.deepEqual(
      sources.filter((file) => FORBIDDEN_NAMES.test(basename(file))),
      [],
    );
    assert.deepEqual(
      sources.filter((file) => textOf(file).split('\n').length > MAX_LINES + 1),
      [],
    );
  });

  it('runs no test alone, skipped without a reason, or for later', () => {
    const marked = sources.filter((file) => /\b(it|test|describe)\.(only|todo|skip)\b/.test(textOf(file)));
    assert.deepEqual(marked, []);
  });
});

describe('the graph', () => {
  const schemas = globSync('subgraphs/*/schema.graphql', { cwd: ROOT }).sort();
  const shared = textOf('schema/shared.graphql');

  it('begins every subgraph with the same shared definitions', () => {
    assert.equal(schemas.length, 5);
    for (const file of schemas) assert.ok(textOf(file).startsWith(shared), file);
  });

  it('describes every type, field, argument, input field and enum value', () => {
    const bare: string[] = [];
    for (const file of schemas) {
      visit(parse(textOf(file)), {
        enter(node: ASTNode, _key, _parent, _path, ancestors) {
          if (
            !/^(FieldDefinition|InputValueDefinition|EnumValueDefinition|\w+TypeDefinition|DirectiveDefinition)$/.test(
              node.kind,
            )
          )
            return;
          const named = node as { name: { value: string }; description?: unknown };
          const root = ['Query', 'Mutation', 'Subscription'].includes(named.name.value);
          const owner = ancestors.flat().findLast((ancestor) => 'name' in ancestor) as
            { name?: { value: string } } | undefined;
          if (!named.description && !root)
            bare.push(`${file}: ${owner?.name?.value ?? ''}.${named.name.value}`);
        },
      });
    }
    assert.deepEqual(bare, []);
  });
});

describe('a subgraph that is down', () => {
  /** Whose entity a type is; what others add to it they may fail to answer. */
  const OWNERS: Readonly<Record<string, string>> = {
    User: 'user',
    Viewer: 'user',
    Session: 'user',
    Room: 'chat',
    Message: 'chat',
    Track: 'stream',
    LiveRoom: 'stream',
    Product: 'commerce',
  };

  it('costs its fields and nothing else: root fields and additions to foreign entities may be null [R09]', () => {
    const fatal = globSync('subgraphs/*/schema.graphql', { cwd: ROOT }).flatMap((file) => {
      const subgraph = file.split('/')[1];
      return parse(textOf(file)).definitions.flatMap((type) => {
        if (type.kind !== Kind.OBJECT_TYPE_DEFINITION) return [];
        const owner = type.name.value === 'Query' ? null : (OWNERS[type.name.value] ?? subgraph);
        if (owner === subgraph) return [];
        return (type.fields ?? [])
          .filter((field) => field.type.kind === Kind.NON_NULL_TYPE && field.name.value !== 'id')
          .map((field) => `${file}: ${type.name.value}.${field.name.value}`);
      });
    });
    assert.deepEqual(fatal, []);
  });
});

describe('the error codes', () => {
  it('are all explained in docs/errors.md, and no others', () => {
    const documented = [...textOf('docs/errors.md').matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
    assert.deepEqual(documented.sort(), Object.keys(ERROR_STATUS).sort());
  });

  it('and those of live audio in docs/signalling.md', () => {
    const documented = [...textOf('docs/signalling.md').matchAll(/^\| (\d{4}) \| `([A-Z_]+)`/gm)].map(
      ([, code, name]) => [name, Number(code)],
    );
    assert.deepEqual(Object.fromEntries(documented), CLOSE_CODES);
    for (const code of ERROR_CODES)
      assert.match(textOf('docs/signalling.md'), new RegExp(`^\\| \`${code}\``, 'm'));
  });
});
