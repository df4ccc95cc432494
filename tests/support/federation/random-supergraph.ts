import type { Random } from './random-operation.ts';
import { ref, type SharedData } from './shared-data.ts';

/** One random schema over random data, its fields split over subgraphs. */
export interface RandomSupergraph {
  readonly sdls: Readonly<Record<string, string>>;
  readonly data: SharedData;
  /** Subgraphs are written in Federation 1: no @link, entities of others are extended. */
  readonly isFederation1: boolean;
}

interface Field {
  readonly name: string;
  readonly type: string;
  /** Owners by index; more than one share it. */
  readonly owners: readonly number[];
  /** Name of a field of another subgraph that the value is computed from. */
  readonly requires?: Field;
  /** The owner took it over from this subgraph, altogether or under a label. */
  readonly overrides?: { readonly from: number; readonly label: string | null };
}

interface Entity {
  readonly name: string;
  readonly fields: readonly Field[];
}

const INSTANCES = ['1', '2', '3'];
const SCALARS = ['Int', 'String', 'Boolean', 'Int!', 'String!', '[Int]', '[String!]', '[[Int!]]'];
const LABELS = [null, 'percent(50)'];

const below = (random: Random, limit: number) => Math.floor(random() * limit);
const chance = (random: Random, share: number) => random() < share;
const among = <T>(random: Random, list: readonly [T, ...T[]] | readonly T[]): T => {
  const item = list[below(random, list.length)];
  if (item === undefined) throw new Error('nothing to choose from');
  return item;
};

export function randomSupergraph(random: Random): RandomSupergraph {
  const isFederation1 = chance(random, 0.25);
  const count = 2 + below(random, 3);
  const names = Array.from({ length: 2 + below(random, 3) }, (_, index) => `T${index}`);
  const entities = names.map((name) => randomEntity(random, name, names, count, isFederation1));
  const roots = names.flatMap((name, index) => [
    { name: `one${index}`, type: name, owner: below(random, count) },
    {
      name: `many${index}`,
      type: among(random, [`[${name}]`, `[${name}!]!`, `[[${name}]!]`]),
      owner: below(random, count),
    },
  ]);
  // Every subgraph must hold something of its own, and something a query begins with.
  const sdls = Array.from({ length: count }, (_, owner) => {
    const own = roots.filter((root) => root.owner === owner).map(({ name, type }) => `${name}: ${type}`);
    const query = isFederation1 ? 'extend type Query' : 'type Query';
    return [
      `${query} { ${[`alive${owner}: Boolean`, ...own].join(' ')} }`,
      ...(owner === 0 ? [`union Any = ${names.join(' | ')}`, 'extend type Query { any: [Any] }'] : []),
      ...entities.map((entity) => entitySdl(entity, owner, isFederation1)),
    ].join('\n');
  });
  return {
    sdls: Object.fromEntries(sdls.map((sdl, index) => [`s${index}`, sdl])),
    data: randomData(random, entities, roots),
    isFederation1,
  };
}

function randomEntity(
  random: Random,
  name: string,
  names: readonly string[],
  count: number,
  isFederation1: boolean,
): Entity {
  const fields: Field[] = [];
  for (let index = 0; index < 3 + below(random, 5); index++) {
    const owner = below(random, count);
    const other = (owner + 1 + below(random, count - 1)) % count;
    const isReference = chance(random, 0.4);
    const target = among(random, names);
    const type = isReference
      ? among(random, [target, target, `${target}!`, `[${target}]`, `[${target}!]`])
      : among(random, SCALARS);
    const base = { name: `f${index}`, type, owners: [owner] };
    const required = fields.find(
      (field) => field.type === 'Int' && !field.overrides && !field.owners.includes(owner),
    );
    if (required && chance(random, 0.4)) fields.push({ ...base, type: 'String', requires: required });
    else if (isFederation1) fields.push(base);
    else if (chance(random, 0.2)) fields.push({ ...base, owners: [owner, other] });
    else if (chance(random, 0.25))
      fields.push({ ...base, overrides: { from: other, label: among(random, LABELS) } });
    else fields.push(base);
  }
  return { name, fields };
}

function entitySdl({ name, fields }: Entity, owner: number, isFederation1: boolean): string {
  const lines = fields.flatMap((field) => fieldSdl(field, fields, owner));
  const isExtension = isFederation1 && owner > 0;
  const key = isExtension ? 'id: ID! @external' : 'id: ID!';
  return `${isExtension ? 'extend ' : ''}type ${name} @key(fields: "id") { ${[key, ...lines].join(' ')} }`;
}

function fieldSdl(
  { name, type, owners, requires, overrides }: Field,
  fields: readonly Field[],
  owner: number,
): string[] {
  const text = `${name}: ${type}`;
  if (owners.includes(owner)) {
    const label = overrides?.label ? `, label: "${overrides.label}"` : '';
    return [
      text +
        (owners.length > 1 ? ' @shareable' : '') +
        (overrides ? ` @override(from: "s${overrides.from}"${label})` : '') +
        (requires ? ` @requires(fields: "${requires.name}")` : ''),
    ];
  }
  if (overrides?.from === owner) return [text];
  const isRequired = fields.some((field) => field.requires?.name === name && field.owners.includes(owner));
  return isRequired ? [`${text} @external`] : [];
}

function randomData(
  random: Random,
  entities: readonly Entity[],
  roots: readonly { name: string; type: string }[],
): SharedData {
  const required = (fields: readonly Field[]) =>
    new Set(fields.flatMap((field) => field.requires?.name ?? []));
  const instance = ({ fields }: Entity) => {
    const plain = required(fields);
    return Object.fromEntries(
      fields.map(({ name, type, requires }) => {
        if (requires)
          return [name, (_args: unknown, self: Record<string, unknown>) => `<${self[requires.name]}>`];
        return [name, randomValue(random, type, plain.has(name) ? 0 : 0.06)];
      }),
    );
  };
  return {
    entities: Object.fromEntries(
      entities.map((entity) => [
        entity.name,
        Object.fromEntries(INSTANCES.map((id) => [id, instance(entity)])),
      ]),
    ),
    roots: {
      ...Object.fromEntries(roots.map(({ name, type }) => [name, randomValue(random, type, 0.03)])),
      any: entities.map(({ name }) => ref(name, among(random, INSTANCES))),
    },
  };
}

/** Of the type mostly; null, an error or a missing entity with a share of `faults` each, whether the type allows it or not. */
function randomValue(random: Random, type: string, faults: number): unknown {
  if (chance(random, faults)) return new Error('injected');
  if (chance(random, faults) || (!type.endsWith('!') && chance(random, 0.1))) return null;
  const nullable = type.replace(/!$/, '');
  if (nullable.startsWith('['))
    return Array.from({ length: below(random, 4) }, () => randomValue(random, nullable.slice(1, -1), faults));
  if (nullable === 'Int') return below(random, 100);
  if (nullable === 'String') return `text${below(random, 100)}`;
  if (nullable === 'Boolean') return chance(random, 0.5);
  return ref(nullable, chance(random, faults) ? 'gone' : among(random, INSTANCES));
}
