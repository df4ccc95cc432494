import type { FetchNode } from '@apollo/query-planner';
import {
  print,
  stripIgnoredCharacters,
  visit,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

/** The operation with another selection, and the variables that are still in use. */
export function withSelection(
  operation: OperationDefinitionNode,
  selectionSet: SelectionSetNode,
): Pick<FetchNode, 'operation' | 'variableUsages'> {
  const used = new Set<string>();
  visit(selectionSet, { Variable: ({ name }) => void used.add(name.value) });
  const variableDefinitions = operation.variableDefinitions?.filter(({ variable }) =>
    used.has(variable.name.value),
  );
  return {
    operation: stripIgnoredCharacters(print({ ...operation, variableDefinitions, selectionSet })),
    variableUsages: [...used].filter((name) => name !== 'representations'),
  };
}
