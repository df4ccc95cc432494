import type { FetchNode, PlanNode, QueryPlanSelectionNode } from '@apollo/query-planner';
import { changed, withFetches, type Plan } from './planned.ts';

/** What may become of a plan. */
export type Damage = (plan: Plan) => Plan;
/** With another text sent to a subgraph. */
export const inOperation =
  (service: string, from: string | RegExp, to: string): Damage =>
  (plan) =>
    withFetches(plan, service, ({ operation }) => ({ operation: operation.replace(from, to) }));
export const inFetch =
  (service: string, change: (fetch: FetchNode) => Partial<FetchNode>): Damage =>
  (plan) =>
    withFetches(plan, service, change);

/** With fields of representations left out (null) or under other names. */
export const sending =
  (service: string, rename: (name: string) => string | null): Damage =>
  (plan) => {
    const inSelections = (selections: readonly QueryPlanSelectionNode[]): QueryPlanSelectionNode[] =>
      selections.flatMap((node): QueryPlanSelectionNode[] => {
        if (node.kind === 'InlineFragment') return [{ ...node, selections: inSelections(node.selections) }];
        const name = rename(node.name);
        return name === null ? [] : [{ ...node, name }];
      });
    return withFetches(plan, service, ({ requires }) => ({ requires: requires && inSelections(requires) }));
  };

/** Without what a subgraph is asked for. */
export const without =
  (service: string): Damage =>
  (plan) =>
    changed(plan, (node) => {
      if (node.kind !== 'Sequence' && node.kind !== 'Parallel') return node;
      const left = node.nodes.filter((one) => !JSON.stringify(one).includes(`"serviceName":"${service}"`));
      return { ...node, nodes: left };
    });

/** Everything side by side. */
export const atOnce: Damage = (plan) =>
  changed(plan, (node) => (node.kind === 'Sequence' ? { ...node, kind: 'Parallel' } : node));

/** What a subgraph is asked for after others, under a condition. */
export const onlyIf =
  (condition: string, service: string): Damage =>
  (plan) =>
    changed(plan, (node): PlanNode => {
      const isIt = node.kind === 'Flatten' && node.node.kind === 'Fetch' && node.node.serviceName === service;
      return isIt ? { kind: 'Condition', condition, ifClause: node } : node;
    });
