import type {
  FetchNode,
  PlanNode,
  QueryPlanFieldNode,
  QueryPlanSelectionNode,
  SubscriptionNode,
} from '@apollo/query-planner';
import { Kind, type SelectionSetNode } from 'graphql';
import type { ResponsePath } from '../plan/execution.ts';
import { withSelection } from '../required/fetch-text.ts';
import type { RequiredFields } from '../required/required-fields.ts';
import type { CheckedSupergraph } from './check-plan.ts';
import { withoutEarly, type EarlyField } from './early-fields.ts';
import { inEntities, ownFetch } from './own-fetch.ts';
import { textOfFetch } from './read-fetch.ts';

export interface MendableSupergraph extends CheckedSupergraph {
  readonly required: RequiredFields;
  /** By name. */
  readonly subgraphs: ReadonlyMap<string, unknown>;
}

/** A node of its own, to be run once its objects are there with all that it sends. */
export interface Waiting {
  readonly node: PlanNode;
  /** To its objects, from the root. */
  readonly path: ResponsePath;
}

/** A plan whose fetches ask for nothing too early, and the fetches of what they asked for. */
export interface Divided {
  readonly primary: FetchNode | undefined;
  readonly rest: PlanNode | undefined;
  readonly waiting: readonly Waiting[];
}

/** Puts a node under the conditions that another one stands under. */
type Wrap = (node: PlanNode) => PlanNode;

const asIs: Wrap = (node) => node;

/** Takes what requires something out of fetches that do not send it, into fetches of its own. Null where there is none. */
export function divideEarly(
  supergraph: MendableSupergraph,
  plan: PlanNode | SubscriptionNode,
): Divided | null {
  const waiting: Waiting[] = [];
  let isChanged = false;
  const ofFetch = (fetch: FetchNode, path: ResponsePath, wrap: Wrap): FetchNode | undefined => {
    const { left, taken } = dividedFetch(supergraph, fetch);
    if (left !== fetch) isChanged = true;
    for (const early of taken) {
      const ownPath = [...path, ...early.path];
      const node = ownFetch(supergraph.required, fetch, early);
      waiting.push({ node: wrap({ kind: 'Flatten', path: ownPath, node }), path: ownPath });
    }
    return left;
  };
  const ofNode = (node: PlanNode, path: ResponsePath, wrap: Wrap): PlanNode | undefined => {
    switch (node.kind) {
      case 'Fetch':
        return ofFetch(node, path, wrap);
      case 'Flatten': {
        const inner = ofNode(node.node, [...path, ...node.path], wrap);
        return inner && { ...node, node: inner };
      }
      case 'Parallel':
      case 'Sequence':
        return { ...node, nodes: node.nodes.flatMap((child) => ofNode(child, path, wrap) ?? []) };
      case 'Condition':
        return ofCondition(node, (clause, inCase) => ofNode(clause, path, (child) => wrap(inCase(child))));
      case 'Defer':
        // Its parts wait for fetches by their ids, which are within it.
        return node;
    }
  };
  const primary = plan.kind === 'Subscription' ? ofFetch(plan.primary, [], asIs) : undefined;
  const given = plan.kind === 'Subscription' ? plan.rest : plan;
  const rest = given && ofNode(given, [], asIs);
  return isChanged ? { primary, rest, waiting } : null;
}

type Condition = Extract<PlanNode, { kind: 'Condition' }>;

function ofCondition(
  node: Condition,
  ofClause: (clause: PlanNode, inCase: Wrap) => PlanNode | undefined,
): Condition {
  const { kind, condition, ifClause, elseClause } = node;
  return {
    ...node,
    ifClause: ifClause && ofClause(ifClause, (child) => ({ kind, condition, ifClause: child })),
    elseClause: elseClause && ofClause(elseClause, (child) => ({ kind, condition, elseClause: child })),
  };
}

interface DividedFetch {
  /** Undefined where nothing is left of it. */
  readonly left: FetchNode | undefined;
  readonly taken: readonly EarlyField[];
}

function dividedFetch(supergraph: MendableSupergraph, fetch: FetchNode): DividedFetch {
  const whole = { left: fetch, taken: [] };
  const { fullSchema: schema, rulesOf, overrides, subgraphs } = supergraph;
  const { requires = [], operationKind } = fetch;
  const rules = rulesOf(fetch.serviceName);
  const text = textOfFetch(fetch);
  // What rewrites name by its path must stay where it is.
  if (!rules || !text || fetch.outputRewrites?.length || fetch.contextRewrites?.length) return whole;
  const isEntity = requires.length > 0;
  const type = rules.type(isEntity ? '_Entity' : (rules.rootName(operationKind) ?? ''));
  if (!type) return whole;
  const taken: EarlyField[] = [];
  const reading = {
    ...{ schema, rules, overrides, taken, dropped: [] },
    everybody: [...subgraphs.keys()].flatMap((name) => rulesOf(name) ?? []),
    fragments: text.fragments,
    sends: (needed: SelectionSetNode) => sendsAll(requires, needed),
  };
  const place = { type, within: type.own, provided: [] };
  const read = (set: SelectionSetNode) =>
    withoutEarly(reading, set, { place, path: [], conditions: [], isEntity });
  const { selectionSet } = text.operation;
  const left = isEntity ? inEntities(selectionSet, read) : read(selectionSet);
  if (taken.length + reading.dropped.length === 0) return whole;
  return {
    left: isEmpty(left) ? undefined : { ...fetch, ...withSelection(text.operation, left) },
    taken,
  };
}

type Selections = readonly QueryPlanSelectionNode[];

/** Whether all fields are sent, if not of every type: the check looks at that. */
const sendsAll = (sent: Selections, { selections }: SelectionSetNode): boolean =>
  selections.every((node) => {
    if (node.kind === Kind.FRAGMENT_SPREAD) return false;
    if (node.kind === Kind.INLINE_FRAGMENT) return sendsAll(sent, node.selectionSet);
    const same = fieldsOf(sent).filter(({ name }) => name === node.name.value);
    const inner = same.flatMap((one) => one.selections ?? []);
    return same.length > 0 && (!node.selectionSet || sendsAll(inner, node.selectionSet));
  });

const fieldsOf = (selections: Selections): QueryPlanFieldNode[] =>
  selections.flatMap((node) => (node.kind === 'Field' ? [node] : fieldsOf(node.selections)));

const isEmpty = ({ selections }: SelectionSetNode): boolean =>
  selections.every((node) => node.kind === Kind.FIELD && node.selectionSet?.selections.length === 0);
