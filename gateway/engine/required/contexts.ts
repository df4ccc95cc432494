import {
  Kind,
  type ConstDirectiveNode,
  type ConstObjectValueNode,
  type DefinitionNode,
  type DocumentNode,
} from 'graphql';
import { fieldSetOf, stringArgument, textOfSet } from './join-directives.ts';
import { separateSelection } from './separate-selection.ts';
import type { Variants } from './variants.ts';

/** Name of a context → the types that set it. */
export function contextTypes({ definitions }: DocumentNode): ReadonlyMap<string, readonly string[]> {
  const types = new Map<string, string[]>();
  for (const definition of definitions) {
    if (!setsContexts(definition)) continue;
    for (const directive of definition.directives ?? []) {
      const context = directive.name.value === 'context' ? stringArgument(directive, 'name') : undefined;
      if (context === undefined) continue;
      types.set(context, [...(types.get(context) ?? []), definition.name.value]);
    }
  }
  return types;
}

const setsContexts = (definition: DefinitionNode) =>
  definition.kind === Kind.OBJECT_TYPE_DEFINITION ||
  definition.kind === Kind.INTERFACE_TYPE_DEFINITION ||
  definition.kind === Kind.UNION_TYPE_DEFINITION;

const CONTEXT_ARGUMENTS = 'contextArguments';

/** `@join__field` whose `contextArguments` select variants where fields take arguments. */
export function separateContexts(
  variants: Variants,
  contexts: ReadonlyMap<string, readonly string[]>,
  directive: ConstDirectiveNode,
): ConstDirectiveNode {
  if (!directive.arguments?.some(({ name }) => name.value === CONTEXT_ARGUMENTS)) return directive;
  const given = directive.arguments.map((argument) => {
    const { name, value } = argument;
    if (name.value !== CONTEXT_ARGUMENTS || value.kind !== Kind.LIST) return argument;
    const values = value.values.map((item) =>
      item.kind === Kind.OBJECT ? separateOne(variants, contexts, item) : item,
    );
    return { ...argument, value: { ...value, values } };
  });
  return { ...directive, arguments: given };
}

function separateOne(
  variants: Variants,
  contexts: ReadonlyMap<string, readonly string[]>,
  item: ConstObjectValueNode,
): ConstObjectValueNode {
  const textOf = (field: string) => {
    const value = item.fields.find(({ name }) => name.value === field)?.value;
    return value?.kind === Kind.STRING ? value.value : '';
  };
  const types = contexts.get(textOf('context')) ?? [];
  // It stands in braces, unless it begins with a fragment.
  const text = textOf('selection').trim();
  const inBraces = text.startsWith('{');
  const selected = fieldSetOf(inBraces ? text.slice(1, -1) : text);
  const { selectionSet } = separateSelection(variants, types, selected);
  const separated = textOfSet(selectionSet);
  const value = { kind: Kind.STRING, value: inBraces ? `{ ${separated} }` : separated } as const;
  return {
    ...item,
    fields: item.fields.map((field) => (field.name.value === 'selection' ? { ...field, value } : field)),
  };
}
