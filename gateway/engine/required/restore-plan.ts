import type { FetchNode, PlanNode, SubscriptionNode } from '@apollo/query-planner';
import {
  Kind,
  parse,
  print,
  stripIgnoredCharacters,
  visit,
  type DocumentNode,
  type GraphQLSchema,
  type SelectionNode,
} from 'graphql';
import { divideFetch } from './divide-fetch.ts';
import { restoreSelections } from './input-selections.ts';
import type { RequiredFields } from './required-fields.ts';

/**
 * A plan over the supergraph that the planner was shown, as one over the real subgraphs: `r1__weight(unit: "LB")` is fetched as an alias of
 * `weight`, and goes out as `weight` in representations. A fetch of fields that need `weight` with different arguments becomes one for each.
 * `schema` is the full one.
 */
export function restorePlan(
  schema: GraphQLSchema,
  required: RequiredFields,
  node: PlanNode | SubscriptionNode,
): PlanNode | SubscriptionNode {
  if (required.realNames.size === 0) return node;
  const restore = (child: PlanNode): PlanNode => restoreNode(schema, required, child);
  if (node.kind !== 'Subscription') return restore(node);
  const primary = restoreFetch(required, node.primary);
  return { ...node, primary, rest: node.rest && restore(node.rest) };
}

function restoreNode(schema: GraphQLSchema, required: RequiredFields, node: PlanNode): PlanNode {
  const restore = (child: PlanNode) => restoreNode(schema, required, child);
  switch (node.kind) {
    case 'Fetch':
      return joined(divideFetch(schema, required, node).map((part) => restoreFetch(required, part)));
    case 'Flatten':
      return { ...node, node: restore(node.node) };
    case 'Parallel':
    case 'Sequence':
      return { ...node, nodes: node.nodes.map(restore) };
    case 'Condition': {
      const { ifClause, elseClause } = node;
      return {
        ...node,
        ifClause: ifClause && restore(ifClause),
        elseClause: elseClause && restore(elseClause),
      };
    }
    case 'Defer': {
      const inPart = <P extends { node?: PlanNode }>(part: P) => ({
        ...part,
        node: part.node && restore(part.node),
      });
      return { ...node, primary: inPart(node.primary), deferred: node.deferred.map(inPart) };
    }
  }
}

/** One after the other where something waits for the fetch by its id: it waits for the last part. `placed`: where each of them stands. */
export function joined(
  parts: readonly FetchNode[],
  placed: (part: FetchNode, index: number) => PlanNode = (part) => part,
): PlanNode {
  const last = parts.at(-1);
  if (!last) throw new Error('a fetch of nothing');
  if (parts.length === 1) return placed(last, 0);
  if (last.id === undefined) return { kind: 'Parallel', nodes: parts.map(placed) };
  const unnamed = parts.map((part) => (part === last ? part : { ...part, id: undefined }));
  return { kind: 'Sequence', nodes: unnamed.map(placed) };
}

function restoreFetch({ realNames }: RequiredFields, node: FetchNode): FetchNode {
  const document = parse(node.operation, { noLocation: true });
  const restored = restoreFields(realNames, document);
  return {
    ...node,
    operation: restored === document ? node.operation : stripIgnoredCharacters(print(restored)),
    requires: node.requires && restoreSelections(node.requires, realNames),
  };
}

/** With aliases of real fields; the very node that was given where there is nothing to restore. */
export const restoreFields = <N extends DocumentNode | SelectionNode>(
  realNames: RequiredFields['realNames'],
  node: N,
): N =>
  visit(node, {
    Field(field) {
      const value = realNames.get(field.name.value);
      if (value === undefined) return undefined;
      return { ...field, alias: field.alias ?? field.name, name: { kind: Kind.NAME, value } as const };
    },
  });
