import type { FetchNode, PlanNode } from '@apollo/query-planner';
import { getOperationAST, Kind, parse, type SelectionSetNode } from 'graphql';
import { publicName } from '../private-names.ts';
import { fragmentsOf, responseName } from '../subscription-rules.ts';
import { ALWAYS, both, conditionsOf, type Conditions } from './conditions.ts';

interface Run {
  /** Within one, the subgraph runs it once. */
  readonly fetch: FetchNode;
  readonly field: string;
  readonly under: Conditions;
}

/** A field of a mutation that two fetches may run, though the client asked for it once; null where there is none. */
export function runTwice(plan: PlanNode): string | null {
  const runs = runsOf(plan, ALWAYS);
  const second = runs.find((run, at) => runs.slice(0, at).some((earlier) => isAgain(run, earlier)));
  return second ? `${second.field} would run twice` : null;
}

const isAgain = (run: Run, earlier: Run): boolean =>
  earlier.fetch !== run.fetch && earlier.field === run.field && both(earlier.under, run.under) !== null;

function runsOf(node: PlanNode | undefined, under: Conditions): Run[] {
  switch (node?.kind) {
    case undefined:
    // Entities are fetched by queries.
    case 'Flatten':
      return [];
    case 'Fetch':
      return inFetch(node, under);
    case 'Parallel':
    case 'Sequence':
      return node.nodes.flatMap((child) => runsOf(child, under));
    case 'Condition': {
      const variable = publicName(node.condition);
      const inCase = (literal: string, child: PlanNode | undefined) => {
        const met = both(under, [literal]);
        return met ? runsOf(child, met) : [];
      };
      return [...inCase(variable, node.ifClause), ...inCase(`!${variable}`, node.elseClause)];
    }
    case 'Defer':
      return [node.primary, ...node.deferred].flatMap((part) => runsOf(part.node, under));
  }
}

function inFetch(fetch: FetchNode, under: Conditions): Run[] {
  const document = parse(fetch.operation, { noLocation: true });
  const fragments = fragmentsOf(document);
  const inSet = ({ selections }: SelectionSetNode, outer: Conditions): Run[] =>
    selections.flatMap((node) => {
      const own = conditionsOf(node);
      const met = own && both(outer, own);
      if (!met) return [];
      if (node.kind === Kind.FIELD) return [{ fetch, field: responseName(node), under: met }];
      const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : fragments.get(node.name.value);
      return fragment ? inSet(fragment.selectionSet, met) : [];
    });
  const root = getOperationAST(document)?.selectionSet;
  return root ? inSet(root, under) : [];
}
