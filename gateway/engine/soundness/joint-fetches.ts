import type { FetchNode, PlanNode } from '@apollo/query-planner';
import { Kind, type SelectionSetNode } from 'graphql';
import { withSelection } from '../required/fetch-text.ts';
import { setOf } from './early-fields.ts';
import { inEntities } from './own-fetch.ts';
import { textOfFetch } from './read-fetch.ts';

/** The nodes of one step, with one fetch instead of two that ask one subgraph for fields of the same entities. */
export function jointFetches(step: readonly PlanNode[]): PlanNode[] {
  const joint: PlanNode[] = [];
  for (const node of step) {
    const at = joint.findIndex((other) => joined(other, node) !== null);
    const both = at < 0 ? null : joined(joint[at], node);
    if (both) joint[at] = both;
    else joint.push(node);
  }
  return joint;
}

/** Null where they cannot be one. */
function joined(one: PlanNode | undefined, other: PlanNode | undefined): PlanNode | null {
  if (one?.kind === 'Fetch' && other?.kind === 'Fetch') return jointFetch(one, other);
  if (one?.kind === 'Flatten' && other?.kind === 'Flatten') {
    const node = one.path.join() === other.path.join() ? joined(one.node, other.node) : null;
    return node && { ...one, node };
  }
  if (one?.kind !== 'Condition' || other?.kind !== 'Condition' || one.condition !== other.condition)
    return null;
  const [ifClause, elseClause] = [
    joined(one.ifClause, other.ifClause),
    joined(one.elseClause, other.elseClause),
  ];
  // Each node of a step has one of the two.
  if (ifClause) return { ...one, ifClause };
  return elseClause && { ...one, elseClause };
}

function jointFetch(one: FetchNode, other: FetchNode): FetchNode | null {
  const [text, more] = [textOfFetch(one), textOfFetch(other)];
  const isAlike =
    one.serviceName === other.serviceName &&
    one.requires?.length &&
    other.requires?.length &&
    !one.id &&
    !other.id;
  if (!isAlike || !text || !more || text.fragments.size + more.fragments.size > 0) return null;
  const declared = [text, more].flatMap(({ operation }) => operation.variableDefinitions ?? []);
  const byName = new Map(declared.map((definition) => [definition.variable.name.value, definition]));
  const operation = { ...text.operation, variableDefinitions: [...byName.values()] };
  const asked = more.operation.selectionSet.selections.flatMap(entitySelections);
  const selectionSet = inEntities(text.operation.selectionSet, ({ selections }) =>
    setOf([...selections, ...asked]),
  );
  return {
    ...one,
    ...withSelection(operation, selectionSet),
    requires: [...(one.requires ?? []), ...(other.requires ?? [])],
    inputRewrites: [...(one.inputRewrites ?? []), ...(other.inputRewrites ?? [])],
    outputRewrites: [...(one.outputRewrites ?? []), ...(other.outputRewrites ?? [])],
    contextRewrites: [...(one.contextRewrites ?? []), ...(other.contextRewrites ?? [])],
  };
}

/** What is selected of entities. */
export const entitySelections = (
  root: SelectionSetNode['selections'][number],
): SelectionSetNode['selections'] => (root.kind === Kind.FIELD ? (root.selectionSet?.selections ?? []) : []);
