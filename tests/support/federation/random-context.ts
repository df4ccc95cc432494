import { among, below, chance, type Random } from './random-choice.ts';
import { GIVEN, isReference, type Entity, type Field, type GivenArguments } from './random-model.ts';

/** An argument that comes from the nearest object of one type above. */
export interface Context {
  readonly entity: string;
  readonly field: Field;
  readonly given: GivenArguments;
  /** Fields of the entity that lead to where the argument is, by name. */
  readonly ways: readonly { readonly name: string; readonly type: string; readonly owner: number }[];
  isSetBy(entity: string, owner: number): boolean;
  /** What an entity has besides its own fields. */
  fieldsOf(entity: string, owner: number): string[];
  /** Definitions besides those of the entities. */
  sdls(owner: number): string[];
}

/** Null where chance, or the entities, leave no room for one. */
export function randomContext(
  random: Random,
  entities: readonly Entity[],
  subgraphs: number,
): Context | null {
  const candidates = entities.flatMap(({ name, fields }) =>
    fields.filter(isUsable).map((field) => ({ entity: name, field, setter: field.owners[0] ?? 0 })),
  );
  if (candidates.length === 0 || chance(random, 0.4)) return null;
  const { entity, field, setter } = among(random, candidates);
  const given = field.arguments ? among(random, GIVEN) : { text: '', coerced: {} };
  const ways = ['near', 'far'].map((name) => ({
    name,
    type: among(random, ['Said', '[Said!]', '[[Said]]']),
    owner: name === 'near' ? setter : below(random, subgraphs),
  }));
  const owners = new Set([setter, ...ways.map(({ owner }) => owner)]);
  const said = `said(more: Int = 2, of: ${field.type.replace(/!$/, '')} @fromContext(field: "$context { ${field.name}${given.text} }")): String`;
  return {
    entity,
    field,
    given,
    ways,
    isSetBy: (name, owner) => name === entity && owner === setter,
    fieldsOf: (name, owner) =>
      ways.filter((way) => name === entity && way.owner === owner).map((way) => `${way.name}: ${way.type}`),
    sdls: (owner) =>
      owners.has(owner)
        ? [`type Said @key(fields: "id") { id: ID! ${owner === setter ? `next: Said ${said}` : ''} }`]
        : [],
  };
}

const isUsable = ({ type, owners, overrides, requires }: Field) =>
  !isReference(type) &&
  !type.slice(0, -1).includes('!') &&
  owners.length === 1 &&
  !overrides &&
  requires.length === 0;
