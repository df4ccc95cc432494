import { Kind, type FieldNode, type ValueNode } from 'graphql';
import { publicName } from '../private-names.ts';

/** Variables that the planner fills from a context; a client's own never have such a name, see private-names.ts. */
export const isContextVariable = (name: string): boolean => name.startsWith('contextualArgument_');

export const TYPE_NAME = '__typename';
/** What a subgraph says of an object of an interface that it knows as an object (`@interfaceObject`): not its type. */
export const INTERFACE_NAME = '__typename of the interface';

/** Field and arguments as text: equal where a subgraph would answer the same. What a context gives is left out. */
export function signatureOf({ name, arguments: given = [] }: FieldNode): string {
  const texts = given.flatMap(({ name: argument, value }) =>
    value.kind === Kind.VARIABLE && isContextVariable(value.name.value)
      ? []
      : [`${argument.value}: ${textOf(value)}`],
  );
  return texts.length > 0 ? `${name.value}(${texts.sort().join(', ')})` : name.value;
}

const INTEGER = /^-?\d+$/;

/**
 * The planner writes values anew: a single value may stand for a list of one, a number for an ID that was given as a string, and fields of objects in
 * another order.
 */
function textOf(value: ValueNode): string {
  switch (value.kind) {
    case Kind.VARIABLE:
      return `$${publicName(value.name.value)}`;
    case Kind.LIST: {
      const [only] = value.values;
      if (only && value.values.length === 1) return textOf(only);
      return `[${value.values.map(textOf).join(', ')}]`;
    }
    case Kind.OBJECT:
      return `{${value.fields
        .map(({ name, value: inner }) => `${name.value}: ${textOf(inner)}`)
        .sort()
        .join(', ')}}`;
    case Kind.INT:
      return value.value;
    case Kind.FLOAT:
      return textOfFloat(value.value);
    case Kind.STRING:
      return INTEGER.test(value.value) ? value.value : JSON.stringify(value.value);
    case Kind.BOOLEAN:
      return String(value.value);
    case Kind.NULL:
      return 'null';
    case Kind.ENUM:
      return value.value;
  }
}

/** One way to write it, for numbers that a double holds. */
function textOfFloat(text: string): string {
  const number = Number(text);
  return Number.isFinite(number) && (Number.isSafeInteger(number) || !Number.isInteger(number))
    ? String(number)
    : text;
}
