import type { QueryPlanSelectionNode } from '@apollo/query-planner';
import type { GraphQLSchema } from 'graphql';
import { isJsonObject, type JsonObject } from './execution.ts';
import { typeSet } from './type-sets.ts';

/**
 * JSON text that identifies an entity to a subgraph; undefined where the entity lacks something that is needed. With `mayLack` what is missing
 * is left out instead.
 */
export type Represent = (entity: JsonObject, mayLack: boolean) => string | undefined;

type RequiredField = {
  readonly key: string;
  readonly prefix: string;
  readonly nested: Represent | undefined;
};
type Selections = readonly QueryPlanSelectionNode[];

/** Compiles a fetch's `requires`. Fields are chosen by the entity's `__typename`, once for every type that turns up. */
export function compileRepresentation(schema: GraphQLSchema, requires: Selections): Represent {
  const byType = new Map<unknown, readonly RequiredField[]>();
  return (entity, mayLack) => {
    const typeName = entity['__typename'];
    let fields = byType.get(typeName);
    if (!fields) {
      fields = fieldsOf(schema, requires, typeName);
      // Only known names are kept: a subgraph that invents names must not make this grow.
      if (typeName === undefined || schema.getType(String(typeName))) byType.set(typeName, fields);
    }
    return textOf(entity, fields, mayLack);
  };
}

/** As `compileRepresentation`, for a whole entity: one without `__typename` cannot be asked for. */
export function compileEntityRepresentation(schema: GraphQLSchema, requires: Selections): Represent {
  const represent = compileRepresentation(schema, requires);
  return (entity, mayLack) => {
    if (typeof entity['__typename'] !== 'string') return undefined;
    const text = represent(entity, mayLack);
    return text?.includes('"__typename":') ? text : undefined;
  };
}

function fieldsOf(schema: GraphQLSchema, requires: Selections, typeName: unknown): RequiredField[] {
  const selected = new Map<string, { name: string; nested: QueryPlanSelectionNode[] | undefined }>();
  const add = (selections: Selections) => {
    for (const selection of selections) {
      if (selection.kind === 'Field') {
        const key = selection.alias ?? selection.name;
        const nested = selection.selections && [
          ...(selected.get(key)?.nested ?? []),
          ...selection.selections,
        ];
        selected.set(key, { name: selection.name, nested });
      } else if (appliesTo(schema, selection.typeCondition, typeName)) add(selection.selections);
    }
  };
  add(requires);
  // What a subgraph gets bears the field's own name, whatever it travelled under.
  return [...selected].map(([key, { name, nested }]) => ({
    key,
    prefix: `${JSON.stringify(name)}:`,
    nested: nested && compileRepresentation(schema, nested),
  }));
}

function appliesTo(schema: GraphQLSchema, condition: string | undefined, typeName: unknown): boolean {
  if (condition === undefined) return true;
  return typeof typeName === 'string' && typeSet(schema, condition).has(typeName);
}

function textOf(entity: JsonObject, fields: readonly RequiredField[], mayLack: boolean): string | undefined {
  let text = '{';
  for (const { key, prefix, nested } of fields) {
    const value = entity[key];
    if (value === undefined || typeof value === 'function') {
      if (mayLack) continue;
      return undefined;
    }
    const part = valueText(value, nested, mayLack);
    if (part === undefined) return undefined;
    text += (text.length > 1 ? ',' : '') + prefix + part;
  }
  return `${text}}`;
}

function valueText(value: unknown, nested: Represent | undefined, mayLack: boolean): string | undefined {
  if (value === null || nested === undefined) return JSON.stringify(value);
  if (!Array.isArray(value)) return isJsonObject(value) ? nested(value, mayLack) : undefined;
  const parts = value.map((item) => valueText(item, nested, mayLack));
  return parts.includes(undefined) ? undefined : `[${parts.join(',')}]`;
}
