import { among, below, chance, type Random } from './random-choice.ts';
import { randomContext, type Context } from './random-context.ts';
import { randomData } from './random-data.ts';
import {
  ARGUMENTS,
  providedBy,
  randomEntities,
  requiredBy,
  SHARED,
  type Entity,
  type Field,
} from './random-model.ts';
import type { SharedData } from './shared-data.ts';

/** One random schema over random data, its fields split over subgraphs. */
export interface RandomSupergraph {
  readonly sdls: Readonly<Record<string, string>>;
  readonly data: SharedData;
  /** Subgraphs are written in Federation 1: no @link, entities of others are extended. */
  readonly isFederation1: boolean;
}

export interface Root {
  readonly name: string;
  readonly type: string;
  readonly owner: number;
  readonly isMutation: boolean;
}

/** The entities as an interface, which one more subgraph knows as an object. */
const INTERFACE = `interface Node @key(fields: "id") { id: ID! shared${ARGUMENTS}: String }`;
const INTERFACE_OBJECT = `type Query { peers: [Node] } type Node @key(fields: "id") @interfaceObject { id: ID!
  shared${ARGUMENTS}: String @external extra: [Mode] strict: Int! peer: Node seven: String @requires(fields: "shared(a: 7)")
  plain: String @requires(fields: "shared") }`;

/** `hasChains`: what some `@requires` needs may require something itself. The planner has faults there, which the engine mends. */
export function randomSupergraph(random: Random, { hasChains = false } = {}): RandomSupergraph {
  const isFederation1 = chance(random, 0.2);
  const hasInterface = !isFederation1 && chance(random, 0.5);
  const subgraphs = 2 + below(random, 3);
  const entities = randomEntities(random, { subgraphs, isFederation1, hasChains });
  const context = isFederation1 ? null : randomContext(random, entities, subgraphs);
  const roots = entities.flatMap(({ name }, index) => randomRoots(random, name, index, subgraphs));
  const describe = (owner: number) =>
    [
      SHARED,
      rootSdl(roots, owner, isFederation1),
      ...(owner === 0 ? [`union Any = ${entities.map(({ name }) => name).join(' | ')}`] : []),
      ...(owner === 0 && hasInterface ? [INTERFACE] : []),
      ...(entities.some(({ byPair }) => byPair.has(owner) || (owner === 0 && byPair.size > 0))
        ? ['type Pair @shareable { a: ID! b: Int }']
        : []),
      ...entities.map((entity) =>
        entitySdl({ entity, entities, owner, isFederation1, hasInterface, context }),
      ),
      ...(context?.sdls(owner) ?? []),
    ].join('\n');
  const sdls = Array.from({ length: subgraphs }, (_, owner) => describe(owner));
  if (hasInterface) sdls.push(`${SHARED}\n${INTERFACE_OBJECT}`);
  return {
    sdls: Object.fromEntries(sdls.map((sdl, index) => [`s${index}`, sdl])),
    data: randomData(random, { entities, roots, context }),
    isFederation1,
  };
}

function randomRoots(random: Random, name: string, index: number, subgraphs: number): Root[] {
  const root = (field: string, type: string, isMutation = false) => ({
    ...{ name: `${field}${index}`, type, owner: below(random, subgraphs), isMutation },
  });
  return [
    root('one', name),
    root('many', among(random, [`[${name}]`, `[${name}!]!`, `[[${name}]!]`])),
    root('make', name, true),
  ];
}

/** Every subgraph must hold something of its own, and something a query begins with. */
function rootSdl(roots: readonly Root[], owner: number, isFederation1: boolean): string {
  const own = roots.filter((root) => root.owner === owner);
  const textOf = (list: readonly Root[]) => list.map(({ name, type }) => `${name}: ${type}`).join(' ');
  const mutations = own.filter(({ isMutation }) => isMutation);
  const extend = isFederation1 ? 'extend ' : '';
  return [
    `${extend}type Query { alive${owner}: Boolean ${textOf(own.filter(({ isMutation }) => !isMutation))}`,
    owner === 0 ? ' any: [Any] }' : ' }',
    mutations.length > 0 ? ` ${extend}type Mutation { ${textOf(mutations)} }` : '',
  ].join('');
}

interface Described {
  readonly entity: Entity;
  readonly entities: readonly Entity[];
  readonly owner: number;
  readonly isFederation1: boolean;
  readonly hasInterface: boolean;
  readonly context: Context | null;
}

function entitySdl({ entity, entities, owner, isFederation1, hasInterface, context }: Described): string {
  const { name, fields, byPair } = entity;
  const isExtension = isFederation1 && owner > 0;
  const isNode = owner === 0 && hasInterface;
  const hasId = !byPair.has(owner);
  const hasPair = byPair.size > 0 && (owner === 0 || byPair.has(owner));
  const external = new Set(
    entities.flatMap((other) => [...requiredBy(other, owner), ...providedBy(other, owner)]),
  );
  const provided = new Set(
    entities.flatMap((other) => other.fields.flatMap(({ owners: [by] }) => providedBy(other, by ?? 0))),
  );
  const lines = [
    ...(hasId ? [isExtension ? 'id: ID! @external' : 'id: ID!'] : []),
    ...(hasPair ? ['pair: Pair!'] : []),
    ...(isNode ? [`shared${ARGUMENTS}: String`] : []),
    ...fields.flatMap((field) =>
      fieldSdl(field, owner, external.has(`${name}.${field.name}`), provided.has(`${name}.${field.name}`)),
    ),
    ...(context?.fieldsOf(name, owner) ?? []),
  ];
  const directives = [
    ...(hasId ? ['@key(fields: "id")'] : []),
    ...(hasPair ? ['@key(fields: "pair { a b }")'] : []),
    ...(context?.isSetBy(name, owner) ? ['@context(name: "context")'] : []),
  ].join(' ');
  const implemented = isNode ? ' implements Node' : '';
  return `${isExtension ? 'extend ' : ''}type ${name}${implemented} ${directives} { ${lines.join(' ')} }`;
}

function fieldSdl(field: Field, owner: number, isExternal: boolean, isProvided: boolean): string[] {
  const { name, type, owners, requires, overrides, provides } = field;
  const text = `${name}${field.arguments}: ${type}`;
  if (owners.includes(owner)) {
    const label = overrides?.label ? `, label: "${overrides.label}"` : '';
    const selections = requires.map(({ field: { name: of }, given, below: inner }) => {
      const nested = inner && ` { ${inner.required.field.name}${inner.required.given.text} }`;
      return `${of}${given.text}${nested ?? ''}`;
    });
    const fields = selections.join(' ').replaceAll('"', '\\"');
    return [
      text +
        (owners.length > 1 || isProvided ? ' @shareable' : '') +
        (overrides ? ` @override(from: "s${overrides.from}"${label})` : '') +
        (provides ? ` @provides(fields: "${provides}")` : '') +
        (requires.length > 0 ? ` @requires(fields: "${fields}")` : ''),
    ];
  }
  if (overrides?.from === owner) return [text];
  return isExternal ? [`${text} @external`] : [];
}
