import { among, below, chance, type Random } from './random-choice.ts';

/** Arguments as some `@requires` writes them, and as the subgraph gets them. */
export interface GivenArguments {
  readonly text: string;
  readonly coerced: Readonly<Record<string, unknown>>;
}

/** What `@requires` selects: a field, and where that is an object a field of it. */
export interface Required {
  readonly field: Field;
  readonly given: GivenArguments;
  readonly below: { readonly entity: string; readonly required: Required } | null;
}

export interface Field {
  readonly name: string;
  readonly type: string;
  /** As in SDL, with their parentheses. */
  readonly arguments: string;
  /** Owners by index; more than one share it. */
  readonly owners: readonly number[];
  /** Fields of other subgraphs that the value is computed from. */
  readonly requires: readonly Required[];
  /** Name of a field of the type that the owner brings along. */
  readonly provides: string | null;
  /** The owner took it over from this subgraph, altogether or under a label. */
  readonly overrides: { readonly from: number; readonly label: string | null } | null;
}

export interface Entity {
  readonly name: string;
  readonly fields: readonly Field[];
  /** Subgraphs that know it by its pair alone. */
  readonly byPair: ReadonlySet<number>;
}

export interface ModelOptions {
  readonly subgraphs: number;
  readonly isFederation1: boolean;
  /** Whether what is required may require something itself. */
  readonly hasChains: boolean;
}

/** What all subgraphs define alike. */
export const SHARED = 'enum Mode { A B C } input Filter { size: Int = 2 mode: Mode inner: Filter }';

export const ARGUMENTS = '(a: Int = 1, mode: Mode = B, filter: Filter = { size: 3 }, list: [Int!])';
const NONE: GivenArguments = { text: '', coerced: {} };
const DEFAULTS = { a: 1, mode: 'B', filter: { size: 3 } };
export const GIVEN: readonly GivenArguments[] = [
  { text: '', coerced: DEFAULTS },
  { text: '(a: 7)', coerced: { ...DEFAULTS, a: 7 } },
  { text: '(mode: C, list: [1, 2])', coerced: { ...DEFAULTS, mode: 'C', list: [1, 2] } },
  {
    text: '(filter: { inner: {}, mode: A })',
    coerced: { ...DEFAULTS, filter: { size: 2, mode: 'A', inner: { size: 2 } } },
  },
];
const SCALARS = [
  'Int',
  'Int',
  'String',
  'Boolean',
  'Mode',
  'Int!',
  'String!',
  '[Int]',
  '[Mode!]',
  '[[Int!]]',
];
const LABELS = [null, 'percent(50)'];

export const namedType = (type: string) => type.replaceAll(/[^\w]/g, '');

export const isReference = (type: string) => /^T\d/.test(namedType(type));

/** Some entities that refer to each other, their fields split over subgraphs. */
export function randomEntities(random: Random, options: ModelOptions): Entity[] {
  const names = Array.from({ length: 2 + below(random, 3) }, (_, index) => `T${index}`);
  const entities: Entity[] = [];
  for (const name of names) {
    const fields: Field[] = [];
    const count = 3 + below(random, 5);
    for (let index = 0; index < count; index++)
      fields.push(randomField(random, `f${index}`, names, entities, fields, options));
    const others = Array.from({ length: options.subgraphs - 1 }, (_, index) => index + 1);
    const byPair = options.isFederation1 ? [] : others.filter(() => chance(random, 0.2));
    entities.push({ name, fields, byPair: new Set(byPair) });
  }
  return entities;
}

/** `known` are the entities before this one, whose fields it may require; `fields` those of this one. */
function randomField(
  random: Random,
  name: string,
  names: readonly string[],
  known: readonly Entity[],
  fields: readonly Field[],
  { subgraphs, isFederation1, hasChains }: ModelOptions,
): Field {
  const owner = below(random, subgraphs);
  const other = (owner + 1 + below(random, subgraphs - 1)) % subgraphs;
  const target = among(random, names);
  const type = chance(random, 0.4)
    ? among(random, [target, target, `${target}!`, `[${target}]`, `[${target}!]`, `[[${target}]!]`])
    : among(random, SCALARS);
  const field: Field = {
    ...{ name, type, arguments: '', owners: [owner], requires: [], provides: null, overrides: null },
  };
  const required = fields
    .filter((one) => isRequirable(one, owner) && (hasChains || one.requires.length === 0))
    .filter(() => chance(random, 0.4));
  if (required.length > 0 && chance(random, 0.5)) {
    const requires = required
      .slice(0, 2)
      .flatMap((one) => randomRequired(random, one, owner, known, hasChains));
    if (requires.length > 0) return { ...field, type: 'String', requires };
  }
  if (chance(random, 0.2))
    return { ...field, type: among(random, ['String', 'String!']), arguments: ARGUMENTS };
  if (isFederation1) return field;
  if (chance(random, 0.2)) return { ...field, owners: [owner, other] };
  if (chance(random, 0.2)) return { ...field, overrides: { from: other, label: among(random, LABELS) } };
  const provided = known
    .find((entity) => entity.name === namedType(type))
    ?.fields.find((one) => isProvidable(one, owner));
  return { ...field, provides: provided && chance(random, 0.5) ? provided.name : null };
}

const isRequirable = ({ overrides, owners }: Field, owner: number) => !overrides && !owners.includes(owner);

const isProvidable = (field: Field, owner: number) =>
  isRequirable(field, owner) &&
  !isReference(field.type) &&
  field.arguments === '' &&
  field.requires.length === 0;

function randomRequired(
  random: Random,
  field: Field,
  owner: number,
  known: readonly Entity[],
  hasChains: boolean,
): Required[] {
  const given = field.arguments ? among(random, GIVEN) : NONE;
  if (!isReference(field.type)) return [{ field, given, below: null }];
  const entity = known.find(({ name }) => name === namedType(field.type));
  const inner =
    entity?.fields.filter(
      (one) => isRequirable(one, owner) && !isReference(one.type) && (hasChains || one.requires.length === 0),
    ) ?? [];
  if (!entity || inner.length === 0) return [];
  const chosen = among(random, inner);
  const innerGiven = chosen.arguments ? among(random, GIVEN) : NONE;
  const required = { field: chosen, given: innerGiven, below: null };
  return [{ field, given, below: { entity: entity.name, required } }];
}

/** Coordinates of everything that some `@requires` reads, deeply. */
export function requiredBy({ name, fields }: Entity, owner?: number): string[] {
  const coordinates = (entity: string, { field, below: inner }: Required): string[] => [
    `${entity}.${field.name}`,
    ...(inner ? coordinates(inner.entity, inner.required) : []),
  ];
  return fields
    .filter(({ owners }) => owner === undefined || owners.includes(owner))
    .flatMap(({ requires }) => requires.flatMap((required) => coordinates(name, required)));
}

/** Coordinates of what a subgraph brings along though another one owns it. */
export const providedBy = ({ fields }: Entity, owner: number): string[] =>
  fields
    .filter(({ owners }) => owners.includes(owner))
    .flatMap(({ type, provides }) => (provides ? [`${namedType(type)}.${provides}`] : []));
