import type { QueryPlanSelectionNode } from '@apollo/query-planner';
import { Kind, type SelectionSetNode } from 'graphql';
import type { RequiredFields } from './required-fields.ts';

/** What a field requires of objects of `type`, to be sent in their representations, and with the planner's names for what takes arguments. */
export const inputSelection = (type: string, selectionSet: SelectionSetNode): QueryPlanSelectionNode => ({
  kind: 'InlineFragment',
  typeCondition: type,
  selections: asSelections(selectionSet),
});

const asSelections = ({ selections }: SelectionSetNode): QueryPlanSelectionNode[] =>
  selections.map((node) => {
    if (node.kind === Kind.FRAGMENT_SPREAD) throw new Error('a field set cannot spread a fragment');
    const inner = node.selectionSet && asSelections(node.selectionSet);
    if (node.kind === Kind.FIELD)
      return { kind: 'Field', alias: node.alias?.value, name: node.name.value, selections: inner };
    return { kind: 'InlineFragment', typeCondition: node.typeCondition?.name.value, selections: inner ?? [] };
  });

/** With the fields' own names instead of the planner's. */
export const restoreSelections = (
  selections: readonly QueryPlanSelectionNode[],
  realNames: RequiredFields['realNames'],
): QueryPlanSelectionNode[] =>
  selections.map((node) => {
    if (node.kind === 'InlineFragment')
      return { ...node, selections: restoreSelections(node.selections, realNames) };
    const name = realNames.get(node.name);
    return {
      ...node,
      ...(name !== undefined && { alias: node.name, name }),
      selections: node.selections && restoreSelections(node.selections, realNames),
    };
  });
