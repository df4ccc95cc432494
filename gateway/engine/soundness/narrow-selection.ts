import {
  Kind,
  type DirectiveNode,
  type NonNullTypeNode,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type VariableNode,
} from 'graphql';
import { privateVariable } from '../private-names.ts';
import { onType, setOf, TYPE_NAME_FIELD } from './early-fields.ts';
import type { FetchText } from './read-fetch.ts';
import type { Surplus } from './surplus.ts';

/** The selection with fragments in place of their names, of which each node stands in one place. */
export const spreadOut = (set: SelectionSetNode, fragments: FetchText['fragments']): SelectionSetNode =>
  setOf(
    set.selections.flatMap((node): readonly SelectionNode[] => {
      if (node.kind === Kind.FIELD) {
        const { selectionSet } = node;
        return [{ ...node, selectionSet: selectionSet && spreadOut(selectionSet, fragments) }];
      }
      const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : fragments.get(node.name.value);
      if (!fragment) return [];
      const inner = spreadOut(fragment.selectionSet, fragments);
      return onType(fragment.typeCondition?.name.value, inner, node.directives);
    }),
  );

/** Empty where nothing is left. */
export function without(surplus: Surplus, set: SelectionSetNode): SelectionSetNode {
  const selections = set.selections.flatMap((node): readonly SelectionNode[] => {
    if (node.kind === Kind.FRAGMENT_SPREAD) return [node];
    if (node.kind === Kind.INLINE_FRAGMENT)
      return onType(node.typeCondition?.name.value, without(surplus, node.selectionSet), node.directives);
    const conditions = surplus.get(node);
    if (conditions === null) return [];
    const inner = node.selectionSet && without(surplus, node.selectionSet);
    const selectionSet = inner?.selections.length === 0 ? setOf([TYPE_NAME_FIELD]) : inner;
    return (conditions ?? []).reduce<readonly SelectionNode[]>(
      (nodes, literal) => onType(undefined, setOf(nodes), [directiveOf(literal)]),
      [{ ...node, selectionSet }],
    );
  });
  return setOf(selections);
}

const nameOf = (value: string) => ({ kind: Kind.NAME, value }) as const;

const variableOf = (literal: string): VariableNode => ({
  kind: Kind.VARIABLE,
  name: nameOf(privateVariable(literal.replace('!', ''))),
});

const directiveOf = (literal: string): DirectiveNode => ({
  kind: Kind.DIRECTIVE,
  name: nameOf(literal.startsWith('!') ? 'skip' : 'include'),
  arguments: [{ kind: Kind.ARGUMENT, name: nameOf('if'), value: variableOf(literal) }],
});

/** The operation with the variables of all conditions that are added to it. */
export function withConditions(
  operation: OperationDefinitionNode,
  surplus: Surplus,
): OperationDefinitionNode {
  const given = operation.variableDefinitions ?? [];
  const byName = new Map(given.map((definition) => [definition.variable.name.value, definition]));
  for (const literal of [...surplus.values()].flatMap((conditions) => conditions ?? [])) {
    const variable = variableOf(literal);
    const { value } = variable.name;
    if (!byName.has(value)) byName.set(value, { kind: Kind.VARIABLE_DEFINITION, variable, type: REQUIRED });
  }
  return { ...operation, variableDefinitions: [...byName.values()] };
}

const REQUIRED: NonNullTypeNode = {
  kind: Kind.NON_NULL_TYPE,
  type: { kind: Kind.NAMED_TYPE, name: nameOf('Boolean') },
};
