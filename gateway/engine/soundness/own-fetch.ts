import type { FetchNode } from '@apollo/query-planner';
import {
  Kind,
  OperationTypeNode,
  parse,
  type FieldNode,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { FRAGMENT_PREFIX } from '../plan/type-sets.ts';
import { withSelection } from '../required/fetch-text.ts';
import { inputSelection } from '../required/input-selections.ts';
import type { RequiredFields } from '../required/required-fields.ts';
import { restoreFields } from '../required/restore-plan.ts';
import { onType, setOf, TYPE_NAME_FIELD, type EarlyField } from './early-fields.ts';
import { contextsBelow, renamesBelow } from './moved-rewrites.ts';
import { textOfFetch } from './read-fetch.ts';
import { TYPE_NAME } from './signature.ts';
import type { Way } from './ways-to-field.ts';

/** A fetch, in one of the ways there are, of one field that was taken out of `fetch`. */
export function ownFetch(
  required: RequiredFields,
  fetch: FetchNode,
  { path, type, field, conditions }: EarlyField,
  way: Way,
): FetchNode {
  const inner = conditions.reduceRight(
    (selectionSet, directives) => setOf(onType(undefined, selectionSet, directives)),
    setOf([field]),
  );
  const sent = setOf([TYPE_NAME_FIELD, ...inputsOf(required, way, field)]);
  const text = withSelection(
    entitiesOperation(fetch),
    inEntities(ENTITIES.selectionSet, () => setOf(onType(way.type, inner))),
  );
  const name = [`${FRAGMENT_PREFIX}${type}`, TYPE_NAME];
  return {
    kind: 'Fetch',
    serviceName: way.rules.name,
    operationKind: OperationTypeNode.QUERY,
    operationName: undefined,
    ...text,
    requires: [inputSelection(type, sent)],
    ...(way.isInterfaceObject && {
      inputRewrites: [{ kind: 'ValueSetter', path: name, setValueTo: way.type }],
    }),
    outputRewrites: renamesBelow(fetch.outputRewrites, path),
    contextRewrites: contextsBelow(fetch.contextRewrites, path, text.variableUsages),
  };
}

/** What is sent of an object to be asked for the field, as fetches bring it. */
export function inputsOf(
  required: RequiredFields,
  { rules, type, key, requires }: Way,
  { name }: FieldNode,
): readonly SelectionNode[] {
  const inputs = required.requirementOf(rules.name, type, name.value)?.selectionSet ?? requires;
  const all = [...key.selections, ...(inputs?.selections ?? [])];
  return all.map((node) => restoreFields(required.realNames, node));
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
