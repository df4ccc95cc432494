import type { FetchNode } from '@apollo/query-planner';
import { Kind, OperationTypeNode, parse, type OperationDefinitionNode, type SelectionSetNode } from 'graphql';
import { withSelection } from '../required/fetch-text.ts';
import { inputSelection, restoreSelections } from '../required/input-selections.ts';
import type { RequiredFields } from '../required/required-fields.ts';
import { onType, TYPE_NAME_FIELD, type EarlyField } from './early-fields.ts';
import { textOfFetch } from './read-fetch.ts';

const setOf = (selections: SelectionSetNode['selections']): SelectionSetNode => ({
  kind: Kind.SELECTION_SET,
  selections,
});

/** A fetch of one field that was taken out of `fetch`. */
export function ownFetch(
  required: RequiredFields,
  fetch: FetchNode,
  { rules, type, field, conditions, key }: EarlyField,
): FetchNode {
  const inner = conditions.reduceRight(
    (selectionSet, directives) => setOf(onType(undefined, selectionSet, directives)),
    setOf([field]),
  );
  const inputs =
    required.requirementOf(rules.name, type, field.name.value)?.selectionSet ??
    rules.type(type)?.field(field.name.value)?.requires;
  const sent = inputs ? [inputSelection(type, inputs)] : [];
  const found = key
    ? [inputSelection(type, setOf([TYPE_NAME_FIELD, ...key.selections]))]
    : (fetch.requires ?? []);
  return {
    kind: 'Fetch',
    serviceName: rules.name,
    operationKind: OperationTypeNode.QUERY,
    operationName: undefined,
    ...withSelection(
      entitiesOperation(fetch),
      inEntities(ENTITIES.selectionSet, () => setOf(onType(type, inner))),
    ),
    requires: [...found, ...restoreSelections(sent, required.realNames)],
    ...(!key && { inputRewrites: fetch.inputRewrites }),
  };
}

/** The selection of `_entities` with something else selected of them. */
export const inEntities = (
  { selections }: SelectionSetNode,
  change: (inner: SelectionSetNode) => SelectionSetNode,
): SelectionSetNode =>
  setOf(
    selections.map((root) =>
      root.kind === Kind.FIELD && root.selectionSet
        ? { ...root, selectionSet: change(root.selectionSet) }
        : root,
    ),
  );

const ENTITIES = operationOf(
  'query ($representations: [_Any!]!) { _entities(representations: $representations) { __typename } }',
);

function operationOf(text: string): OperationDefinitionNode {
  const [operation] = parse(text, { noLocation: true }).definitions;
  if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error(`not an operation: ${text}`);
  return operation;
}

/** With all variables that the fetch declares. */
function entitiesOperation(fetch: FetchNode): OperationDefinitionNode {
  const declared = textOfFetch(fetch)?.operation.variableDefinitions ?? [];
  const others = declared.filter(({ variable }) => variable.name.value !== 'representations');
  return { ...ENTITIES, variableDefinitions: [...(ENTITIES.variableDefinitions ?? []), ...others] };
}
