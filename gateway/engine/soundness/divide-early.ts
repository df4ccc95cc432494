import type { FetchNode, PlanNode, QueryPlanSelectionNode, SubscriptionNode } from '@apollo/query-planner';
import { Kind, type FieldNode, type GraphQLSchema, type SelectionSetNode } from 'graphql';
import type { ResponsePath } from '../plan/execution.ts';
import { withSelection } from '../required/fetch-text.ts';
import type { RequiredFields } from '../required/required-fields.ts';
import { withoutEarly, type EarlyField } from './early-fields.ts';
import { renamedPath } from '../plan/rewrites.ts';
import type { CheckedSupergraph } from './inspection.ts';
import { inEntities } from './own-fetch.ts';
import { textOfFetch } from './read-fetch.ts';
import { TYPE_NAME } from './signature.ts';
import type { SubgraphRules } from './subgraph-rules.ts';
import { namesOf } from './ways-to-field.ts';

export interface MendableSupergraph extends CheckedSupergraph {
  readonly required: RequiredFields;
  /** By name. */
  readonly subgraphs: ReadonlyMap<string, unknown>;
}

/** A field that has to be fetched by itself. */
export interface Wanted {
  readonly early: EarlyField;
  /** Which it was taken out of. */
  readonly fetch: FetchNode;
  /** To its objects, from the root. */
  readonly path: ResponsePath;
  readonly wrap: Wrap;
}

/** A plan whose fetches ask for nothing that may come too early, and what they had asked for. */
export interface Divided {
  readonly primary: FetchNode | undefined;
  readonly rest: PlanNode | undefined;
  readonly wanted: readonly Wanted[];
}

/** Puts a node under the conditions that another one stands under. */
export type Wrap = (node: PlanNode) => PlanNode;

export const asIs: Wrap = (node) => node;

/** Takes what requires something out of fetches, and what is another subgraph's. */
export function divideEarly(supergraph: MendableSupergraph, plan: PlanNode | SubscriptionNode): Divided {
  const wanted: Wanted[] = [];
  const ofFetch = (fetch: FetchNode, path: ResponsePath, wrap: Wrap): FetchNode | undefined => {
    const { left, taken } = fetchWithoutEarly(supergraph, fetch);
    wanted.push(...wantedOf(fetch, taken, path, wrap));
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
  return { primary, rest, wanted };
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

/** `path` leads to what the fetch is about. */
export const wantedOf = (
  fetch: FetchNode,
  taken: readonly EarlyField[],
  path: ResponsePath,
  wrap: Wrap,
): Wanted[] =>
  taken.map((early) => ({
    ...{ early, fetch, wrap },
    path: [...path, ...renamedPath(fetch.outputRewrites, early.path)],
  }));

interface DividedFetch {
  /** Undefined where nothing is left of it. */
  readonly left: FetchNode | undefined;
  readonly taken: readonly EarlyField[];
}

export const everybodyOf = ({ subgraphs, rulesOf }: MendableSupergraph): SubgraphRules[] =>
  [...subgraphs.keys()].flatMap((name) => rulesOf(name) ?? []);

/** `own` is what the fetch was made for, if it is one field of entities. */
export function fetchWithoutEarly(
  supergraph: MendableSupergraph,
  fetch: FetchNode,
  own?: FieldNode,
): DividedFetch {
  const whole = { left: fetch, taken: [] };
  const { fullSchema: schema, rulesOf, overrides } = supergraph;
  const rules = rulesOf(fetch.serviceName);
  const text = textOfFetch(fetch);
  if (!rules || !text) return whole;
  const isEntity = Boolean(fetch.requires?.length);
  const type = rules.type(isEntity ? '_Entity' : (rules.rootName(fetch.operationKind) ?? ''));
  if (!type) return whole;
  const taken: EarlyField[] = [];
  const reading = {
    ...{ schema, rules, overrides, taken, dropped: [] },
    everybody: everybodyOf(supergraph),
    fragments: text.fragments,
    isOwn: ({ name }: FieldNode) => name.value === own?.name.value,
  };
  const place = { type, within: type.own, provided: [] };
  const read = (set: SelectionSetNode) => withoutEarly(reading, set, { place, path: [], conditions: [] });
  const { selectionSet } = text.operation;
  const left = isEntity ? inEntities(selectionSet, read) : read(selectionSet);
  if (taken.length + reading.dropped.length === 0) return whole;
  if (isEmpty(left)) return { left: undefined, taken };
  // What they require may be there under some conditions only.
  const requires = own ? fetch.requires : fetch.requires && onlyKeys(schema, rules, fetch.requires);
  return { left: { ...fetch, ...withSelection(text.operation, left), requires }, taken };
}

type Selections = readonly QueryPlanSelectionNode[];

/** What a subgraph finds entities by, of all that is sent. */
function onlyKeys(
  schema: GraphQLSchema,
  rules: SubgraphRules,
  sent: Selections,
  type = '',
): QueryPlanSelectionNode[] {
  const keys = namesOf(schema, rules, type).flatMap((name) => rules.type(name)?.keys ?? []);
  const isKey = (name: string) =>
    keys.some(({ selections }) =>
      selections.some((one) => one.kind === Kind.FIELD && one.name.value === name),
    );
  return sent.flatMap((node): Selections => {
    if (node.kind === 'Field') return node.name === TYPE_NAME || isKey(node.name) ? [node] : [];
    const selections = onlyKeys(schema, rules, node.selections, node.typeCondition ?? type);
    return selections.length > 0 ? [{ ...node, selections }] : [];
  });
}

const isEmpty = ({ selections }: SelectionSetNode): boolean =>
  selections.every((node) => node.kind === Kind.FIELD && node.selectionSet?.selections.length === 0);
