import type { FetchNode, QueryPlanSelectionNode } from '@apollo/query-planner';
import {
  Kind,
  parse,
  type FieldNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { servesSeveralCases, type PartOfFetch } from '../plan/several-cases.ts';
import { typeSet } from '../plan/type-sets.ts';
import { withSelection } from './fetch-text.ts';
import { inputSelection } from './input-selections.ts';
import type { RequiredFields, Requirement } from './required-fields.ts';

/** Fields of a fetch that one representation serves. */
interface Part {
  readonly fields: Set<FieldNode>;
  readonly requirements: Requirement[];
}

/** The fetch itself, or one for each of the representations that its fields need of the same entity. */
export function divideFetch(schema: GraphQLSchema, required: RequiredFields, node: FetchNode): PartOfFetch[] {
  if (!node.requires?.length) return [node];
  const [operation] = parse(node.operation, { noLocation: true }).definitions;
  if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('a fetch without an operation');
  const parts: Part[] = [];
  for (const { type, field } of entityFields(operation)) {
    const requirements = [...typeSet(schema, type)].flatMap(
      (name) => required.requirementOf(node.serviceName, name, field.name.value) ?? [],
    );
    const fits = (part: Part) =>
      part.requirements.every((one) => requirements.every((other) => agree(schema, one, other)));
    const part = parts.find(fits);
    if (!part) parts.push({ fields: new Set([field]), requirements });
    else {
      part.fields.add(field);
      part.requirements.push(...requirements);
    }
  }
  if (parts.length === 1) return [node];
  const others = withoutVariants(node.requires, required.realNames);
  return parts.map(({ fields, requirements }) => ({
    ...node,
    ...onlyWith(operation, fields),
    // A part may have no condition left, and what it requires may still be there under that of another part only.
    servesSeveralCases: servesSeveralCases(node),
    requires: [
      ...others,
      ...requirements.map(({ type, selectionSet }) => inputSelection(type, selectionSet)),
    ],
  }));
}

/** The fields that a fetch selects of entities, with the type that they are selected of. What requires something is always one of these. */
function entityFields({ selectionSet }: OperationDefinitionNode) {
  const found: { readonly type: string; readonly field: FieldNode }[] = [];
  const add = ({ selections }: SelectionSetNode, type: string) => {
    for (const node of selections) {
      if (node.kind === Kind.FIELD) found.push({ type, field: node });
      else if (node.kind === Kind.INLINE_FRAGMENT)
        add(node.selectionSet, node.typeCondition?.name.value ?? type);
    }
  };
  for (const root of selectionSet.selections)
    if (root.kind === Kind.FIELD && root.selectionSet) add(root.selectionSet, '_Entity');
  return found;
}

/** Whether two requirements read the same of every object that both are about. */
function agree(schema: GraphQLSchema, one: Requirement, other: Requirement): boolean {
  const areRelated = typeSet(schema, one.type).has(other.type) || typeSet(schema, other.type).has(one.type);
  if (!areRelated) return true;
  return [...one.reads].every(([path, text]) => (other.reads.get(path) ?? text) === text);
}

/** The operation with `kept` alone of the fields of entities, and the variables that are still in use. */
function onlyWith(operation: OperationDefinitionNode, kept: ReadonlySet<FieldNode>) {
  const inEntity = (set: SelectionSetNode): SelectionSetNode => ({
    ...set,
    selections: set.selections.flatMap((node): SelectionNode[] => {
      if (node.kind === Kind.FIELD) return kept.has(node) ? [node] : [];
      if (node.kind === Kind.FRAGMENT_SPREAD) return [];
      const selectionSet = inEntity(node.selectionSet);
      return selectionSet.selections.length > 0 ? [{ ...node, selectionSet }] : [];
    }),
  });
  const selections = operation.selectionSet.selections.map((root) =>
    root.kind === Kind.FIELD && root.selectionSet
      ? { ...root, selectionSet: inEntity(root.selectionSet) }
      : root,
  );
  return withSelection(operation, { ...operation.selectionSet, selections });
}

/** Without what takes arguments, and without objects of which nothing else is required. */
function withoutVariants(
  selections: readonly QueryPlanSelectionNode[],
  realNames: RequiredFields['realNames'],
): QueryPlanSelectionNode[] {
  return selections.flatMap((node) => {
    if (node.kind === 'Field' && realNames.has(node.name)) return [];
    if (!node.selections) return [node];
    const inner = withoutVariants(node.selections, realNames);
    return inner.length > 0 ? [{ ...node, selections: inner }] : [];
  });
}
