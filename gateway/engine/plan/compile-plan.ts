import type { ConditionNode, FetchNode, PlanNode, SubscriptionNode } from '@apollo/query-planner';
import { getNamedType, getOperationAST, Kind, parse, type GraphQLSchema } from 'graphql';
import type { EventField, SubgraphOperation } from '../client/subgraph-client.ts';
import type { EventLog } from '../live/event-log.ts';
import { publicName } from '../private-names.ts';
import { inOrderOfContexts } from './context-order.ts';
import { compileDefer, reportingFetch } from './defer.ts';
import { compileEntityFetch } from './entity-fetch.ts';
import type { ResponsePath, Run } from './execution.ts';
import { compileRootFetch, compileVariables, operationOf, type PickVariables } from './fetch.ts';
import { compileRewrites, renamedPath, type Rewrite } from './rewrites.ts';

/** Turns a plan into a function once, so that a request walks no plan. `schema` is the full one; `path` is where the node stands. */
export function compilePlan(schema: GraphQLSchema, node: PlanNode, path: ResponsePath = []): Run {
  switch (node.kind) {
    case 'Fetch':
      return compileFetch(schema, node, path);
    case 'Flatten':
      return compilePlan(schema, node.node, [...path, ...node.path]);
    case 'Parallel':
      return compileParallel(schema, node.nodes, path);
    case 'Sequence':
      return inSequence(node.nodes.map((child) => compilePlan(schema, child, path)));
    case 'Condition':
      return compileCondition(schema, node, path);
    case 'Defer':
      return compileDefer(node, (child) => compilePlan(schema, child, path));
  }
}

function compileFetch(schema: GraphQLSchema, node: FetchNode, path: ResponsePath): Run {
  const { requires, id } = node;
  const run = requires?.length
    ? compileEntityFetch(schema, { ...node, requires }, path)
    : compileRootFetch(schema, node, path);
  return id === undefined ? run : reportingFetch(id, run);
}

function compileParallel(schema: GraphQLSchema, nodes: readonly PlanNode[], path: ResponsePath): Run {
  const groups = inOrderOfContexts(nodes).map((group) =>
    inParallel(group.map((child) => compilePlan(schema, child, path))),
  );
  const [only] = groups;
  return groups.length === 1 && only ? only : inSequence(groups);
}

function inParallel(runs: readonly Run[]): Run {
  return (execution) => {
    const waiting: Promise<void>[] = [];
    for (const run of runs) {
      const running = run(execution);
      if (running) waiting.push(running);
    }
    if (waiting.length <= 1) return waiting[0];
    return Promise.all(waiting).then(() => undefined);
  };
}

function inSequence(runs: readonly Run[]): Run {
  return async (execution) => {
    for (const run of runs) {
      // Whoever asked is gone: starting more work, a mutation above all, helps nobody.
      if (execution.signal.aborted) return;
      await run(execution);
    }
  };
}

function compileCondition(schema: GraphQLSchema, node: ConditionNode, path: ResponsePath): Run {
  const whenTrue = node.ifClause && compilePlan(schema, node.ifClause, path);
  const whenFalse = node.elseClause && compilePlan(schema, node.elseClause, path);
  const variable = publicName(node.condition);
  return (execution) => (execution.variables[variable] === true ? whenTrue : whenFalse)?.(execution);
}

/** A subscription: the upstream's operation, and what completes each of its events. */
export interface CompiledSubscription {
  readonly service: string;
  readonly operation: SubgraphOperation;
  readonly variablesOf: PickVariables;
  /** Null where its events have no log, so that what is lost of them is lost. */
  readonly log: EventLog | null;
  readonly rewrite: Rewrite | undefined;
  /** Place of an error once the event is rewritten. */
  readonly placeOf: (path: ResponsePath | undefined) => readonly (ResponsePath | undefined)[];
  readonly rest: Run | undefined;
}

function eventOf(schema: GraphQLSchema, { operation }: FetchNode): EventField | undefined {
  const selections = getOperationAST(parse(operation, { noLocation: true }))?.selectionSet.selections ?? [];
  const root = selections.find((node) => node.kind === Kind.FIELD);
  const field = root && schema.getSubscriptionType()?.getFields()[root.name.value];
  if (!field) return undefined;
  const defaults = field.args.map(({ name, defaultValue }): [string, unknown] => [name, defaultValue]);
  return { type: getNamedType(field.type).name, defaults: Object.fromEntries(defaults) };
}

export function compileSubscription(
  schema: GraphQLSchema,
  node: SubscriptionNode,
  log: EventLog | null,
): CompiledSubscription {
  const { primary, rest } = node;
  return {
    service: primary.serviceName,
    operation: { ...operationOf(primary), event: eventOf(schema, primary) },
    variablesOf: compileVariables(primary),
    log,
    rewrite: compileRewrites(schema, primary.outputRewrites),
    placeOf: (path) => [path && renamedPath(primary.outputRewrites, path)],
    rest: rest && compilePlan(schema, rest),
  };
}
