import type { GraphQLSchema, SelectionSetNode } from 'graphql';
import type { EarlyField } from './early-fields.ts';
import { isContextVariable } from './signature.ts';
import { isHere } from './subgraph-place.ts';
import type { SubgraphRules } from './subgraph-rules.ts';

/** How a field can be fetched of objects that are known already. */
export interface Way {
  readonly rules: SubgraphRules;
  /** What the subgraph calls the objects: by their interface where it knows that as an object. */
  readonly type: string;
  readonly isInterfaceObject: boolean;
  /** By which it finds them. */
  readonly key: SelectionSetNode;
  readonly requires: SelectionSetNode | null;
}

/** What ways are looked for in. */
export interface Choice {
  /** The full one. */
  readonly schema: GraphQLSchema;
  /** Who asked for the field. */
  readonly rules: SubgraphRules | undefined;
  readonly everybody: readonly SubgraphRules[];
  readonly overrides: ReadonlyMap<string, boolean>;
}

/** All ways, those of the subgraph that was asked first. */
export function waysTo(
  { schema, rules: own, everybody, overrides }: Choice,
  { type, field }: Pick<EarlyField, 'type' | 'field'>,
): Way[] {
  const others = everybody.filter((one) => one !== own);
  // The names of such variables are those of one subgraph's arguments.
  const isInContext = field.arguments?.some(
    ({ value }) => value.kind === 'Variable' && isContextVariable(value.name.value),
  );
  return [...(own ? [own] : []), ...(isInContext ? [] : others)].flatMap((rules) =>
    namesOf(schema, rules, type).flatMap((name) => {
      const known = rules.type(name);
      const rule = known?.field(field.name.value);
      if (!known || !rule || rule.isExternal || !isHere(overrides, rule)) return [];
      const { keys, isInterfaceObject } = known;
      return keys.map((key) => ({ rules, type: name, isInterfaceObject, key, requires: rule.requires }));
    }),
  );
}

/** What a subgraph may know objects of a type by. */
export function namesOf(schema: GraphQLSchema, rules: SubgraphRules, type: string): string[] {
  if (rules.type(type)) return [type];
  const known = schema.getType(type);
  const interfaces = known && 'getInterfaces' in known ? known.getInterfaces() : [];
  return interfaces.map(({ name }) => name).filter((name) => rules.type(name)?.isInterfaceObject);
}
