import {
  GraphQLError,
  Kind,
  OperationTypeNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

export function fragmentsOf(document: DocumentNode): Fragments {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  return fragments;
}

/**
 * What the planner cannot cope with, or passes though it must not: more than one root field, and conditions on the root field (refused by the
 * GraphQL specification since September 2025, 5.2.4.1). Called before graphql-js validates, whose rule throws on such a condition.
 */
export function subscriptionErrors(document: DocumentNode): GraphQLError[] {
  const fragments = fragmentsOf(document);
  return document.definitions.flatMap((definition) => {
    if (definition.kind !== Kind.OPERATION_DEFINITION) return [];
    if (definition.operation !== OperationTypeNode.SUBSCRIPTION) return [];
    return rootErrors(allSelections(definition.selectionSet, fragments));
  });
}

function rootErrors(selections: readonly SelectionNode[]): GraphQLError[] {
  if (selections.some(hasCondition)) {
    return [refusal('@skip and @include cannot be used on the root field of a subscription.')];
  }
  const names = new Set(selections.flatMap((node) => (node.kind === Kind.FIELD ? [responseName(node)] : [])));
  return names.size > 1 ? [refusal('A subscription must select exactly one root field.')] : [];
}

/** Every selection of the set itself, fragments included. A fragment that spreads itself is looked at once. */
export function allSelections(set: SelectionSetNode, fragments: Fragments): SelectionNode[] {
  const found: SelectionNode[] = [];
  const visited = new Set<string>();
  const add = ({ selections }: SelectionSetNode) => {
    for (const selection of selections) {
      found.push(selection);
      if (selection.kind === Kind.INLINE_FRAGMENT) add(selection.selectionSet);
      if (selection.kind !== Kind.FRAGMENT_SPREAD || visited.has(selection.name.value)) continue;
      visited.add(selection.name.value);
      const fragment = fragments.get(selection.name.value);
      if (fragment) add(fragment.selectionSet);
    }
  };
  add(set);
  return found;
}

export const responseName = ({ alias, name }: FieldNode) => alias?.value ?? name.value;

const hasCondition = ({ directives }: SelectionNode) =>
  directives?.some(({ name }) => name.value === 'skip' || name.value === 'include') ?? false;

const refusal = (message: string) =>
  new GraphQLError(message, { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } });
