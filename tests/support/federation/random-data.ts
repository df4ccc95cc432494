import { among, below, chance, type Random } from './random-choice.ts';
import type { Context } from './random-context.ts';
import { providedBy, requiredBy, type Entity, type Field, type Required } from './random-model.ts';
import type { Root } from './random-supergraph.ts';
import { Ref, ref, type Ancestor, type SharedData } from './shared-data.ts';

type Data = Record<string, unknown>;

export interface Described {
  readonly entities: readonly Entity[];
  readonly roots: readonly Root[];
  readonly context: Context | null;
}

const NUMBERS = ['1', '2', '3'];

export function randomData(random: Random, { entities, roots, context }: Described): SharedData {
  const known = new Set(entities.map(({ name }) => name));
  // What becomes of a field that is computed from an error is up to the server.
  const sound = new Set([
    ...entities.flatMap((entity) => [
      ...requiredBy(entity),
      ...entity.fields.flatMap(({ owners }) => owners).flatMap((owner) => providedBy(entity, owner)),
    ]),
    ...(context ? [`${context.entity}.${context.field.name}`] : []),
  ]);
  // A null that bubbles within one subgraph's answer may take along what a field of another object requires.
  const hasDeepRequires = entities.some(({ fields }) =>
    fields.some(({ requires }) => requires.some(({ below: inner }) => inner !== null)),
  );
  const isSound = (entity: string, { name, type }: Field) =>
    sound.has(`${entity}.${name}`) || (hasDeepRequires && type.endsWith('!'));
  const objects: Record<string, Record<string, Data>> = {};
  const valueOf = (entity: string, field: Field): unknown => {
    if (field.requires.length > 0) return computed(objects, field.requires);
    const faults = isSound(entity, field) ? 0 : 0.06;
    const value = randomValue(random, field.type, faults);
    return field.arguments && typeof value === 'string' ? echoing(value) : value;
  };
  const instance = ({ name, fields }: Entity, number: string): Data => ({
    ...Object.fromEntries(fields.map((field) => [field.name, valueOf(name, field)])),
    ...{ pair: { a: `${name}-${number}`, b: Number(number) }, shared: echoing(`${name}${number}`) },
    ...{ extra: randomValue(random, '[Mode]', 0.06), seven: ofShared(7), plain: ofShared(1) },
    ...{
      strict: randomValue(random, 'Int!', 0.15),
      peer: randomValue(random, among(random, entities).name, 0.06),
    },
    ...(context?.entity === name ? waysOf(random, context) : {}),
  });
  for (const entity of entities)
    objects[entity.name] = Object.fromEntries(
      NUMBERS.map((number) => [`${entity.name}-${number}`, instance(entity, number)]),
    );
  if (context) objects['Said'] = saidObjects(context);
  const one = () => among(random, [...known]);
  const some = () => Array.from({ length: 3 }, () => randomValue(random, one(), 0));
  return {
    entities: objects,
    roots: {
      ...Object.fromEntries(roots.map(({ name, type }) => [name, randomValue(random, type, 0.03)])),
      ...{ any: some(), peers: some() },
    },
  };
}

/** Tells the arguments it was given, their names in order. */
const echoing = (text: string) => (args: unknown) => `${text} ${JSON.stringify(sorted(args))}`;

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

const ofShared = (a: number) => (_args: unknown, self: Data) =>
  `<${read(self['shared'], { a, mode: 'B', filter: { size: 3 } }, self)}>`;

/** What a subgraph was sent, or what the object itself has. */
const read = (value: unknown, args: unknown, self: Data): unknown =>
  typeof value === 'function' ? value(args, self) : value;

const isData = (value: unknown): value is Data => typeof value === 'object' && value !== null;

function computed(objects: Record<string, Record<string, Data>>, requires: readonly Required[]) {
  const inner = (value: unknown, nested: Required['below']): unknown => {
    if (Array.isArray(value)) return value.map((item) => inner(item, nested));
    const object = value instanceof Ref ? objects[value.type]?.[value.id] : value;
    return nested && isData(object) ? select(object, nested.required) : (object ?? null);
  };
  const select = (self: Data, { field, given, below: nested }: Required): unknown =>
    inner(read(self[field.name], given.coerced, self), nested);
  return (_args: unknown, self: Data) => `<${JSON.stringify(requires.map((one) => select(self, one)))}>`;
}

const waysOf = (random: Random, { ways }: Context): Data =>
  Object.fromEntries(ways.map(({ name, type }) => [name, randomValue(random, type, 0.06)]));

/** `of` comes as an argument to a subgraph, and from above in one schema. */
function saidObjects({ entity, field, given }: Context): Record<string, Data> {
  const said = (args: Data, self: Data, above: Ancestor) => {
    const from = above(entity);
    const of = 'of' in args ? args['of'] : from && read(from[field.name], given.coerced, from);
    return `${String(self['id'])} ${args['more']} ${JSON.stringify(of ?? null)}`;
  };
  return Object.fromEntries(
    NUMBERS.map((number, index) => [
      `Said-${number}`,
      { said, next: index === 0 ? null : ref('Said', `Said-${NUMBERS[index - 1]}`) },
    ]),
  );
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
  if (nullable === 'Mode') return among(random, ['A', 'B', 'C']);
  return ref(nullable, chance(random, faults) ? 'gone' : `${nullable}-${among(random, NUMBERS)}`);
}
