import type { FetchNode, PlanNode } from '@apollo/query-planner';
import type { FieldNode } from 'graphql';
import type { ResponsePath } from '../plan/execution.ts';
import { inputSelection } from '../required/input-selections.ts';
import { ALWAYS } from './conditions.ts';
import { setOf } from './early-fields.ts';
import { inspectFetch } from './inspect-fetch.ts';
import { inspectNode } from './inspect-plan.ts';
import { sentOf, whenAllKnown } from './inputs.ts';
import { silentInspection, type CheckedSupergraph } from './inspection.ts';
import { addAll, type Known } from './known.ts';
import { positionsAt } from './positions.ts';

/** A plan that is made step by step, and what it has fetched by now. */
export interface Progress {
  readonly steps: readonly (readonly PlanNode[])[];
  /** Adds a step, of nodes that run side by side. */
  run(nodes: readonly PlanNode[]): void;
  /** Whether there are objects that the node is about, and all that it sends of them. */
  isReady(node: PlanNode): boolean;
  knows(path: ResponsePath, type: string, field: FieldNode): boolean;
}

/** `root`: name of the operation's root type. `primary`: what a subscription's event brings. */
export function createProgress(
  supergraph: CheckedSupergraph,
  root: string,
  primary: FetchNode | undefined,
): Progress {
  const silent = silentInspection(supergraph);
  const steps: (readonly PlanNode[])[] = [];
  const known: Known = new Map();
  const sources = [{ known, under: ALWAYS }];
  const stand = { inspection: silent, root, sources, path: [], under: ALWAYS };
  if (primary) addAll(known, inspectFetch(stand, primary));
  return {
    steps,
    run(nodes) {
      if (nodes.length === 0) return;
      const found = nodes.map((node) => inspectNode(stand, node).known);
      for (const one of found) addAll(known, one);
      steps.push(nodes);
    },
    isReady(node) {
      // Mutations keep their order.
      if (isOfRoot(node)) return true;
      let isSure = true;
      const unsure = () => void (isSure = false);
      const inspection = { ...silent, refuse: unsure, doubt: unsure };
      const { known: found } = inspectNode({ ...stand, inspection }, node);
      return isSure && hasFields(found);
    },
    knows(path, type, field) {
      const at = positionsAt(silent, root, sources, path).at(-1)?.sources ?? [];
      const sent = sentOf(silent, [inputSelection(type, setOf([field]))], type);
      return whenAllKnown({ inspection: silent, type, sources: at, sent }).length > 0;
    },
  };
}

function isOfRoot(node: PlanNode | undefined): boolean {
  if (node?.kind === 'Condition') return isOfRoot(node.ifClause ?? node.elseClause);
  return node?.kind === 'Fetch' && !node.requires?.length;
}

/** What only says how something is reached is none. */
const hasFields = (known: Known): boolean =>
  [...known.values()].some((facts) =>
    facts.some(({ what, inner }) => what !== null || (inner !== null && hasFields(inner))),
  );
