import {
  getOperationAST,
  GraphQLError,
  Kind,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
} from 'graphql';
import { operationFromDocument } from '@apollo/federation-internals';
import { permittedOperation } from './authorization/permitted-operation.ts';
import { restrictedOperation, type RestrictedOperation } from './authorization/restricted-operation.ts';
import { CodedError } from '#platform/errors.ts';
import { deferErrors } from './incremental/defer-rules.ts';
import { plannableDefers } from './incremental/plannable-defers.ts';
import {
  deferVariables,
  defersOf,
  resolveDefers,
  withoutDefers,
  type DeferringAst,
} from './incremental/resolve-defers.ts';
import { compileIntrospection, type Introspect } from './introspection.ts';
import { eventLog } from './live/event-log.ts';
import { logPosition } from './live/log-position.ts';
import { checkLimits, type OperationLimits } from './operation-limits.ts';
import type { JsonObject, Run } from './plan/execution.ts';
import { isPassThrough } from './plan/pass-through.ts';
import { compilePlan, compileSubscription, type CompiledSubscription } from './plan/compile-plan.ts';
import { createPrivateNames, withPrivateNames, type PrivateNames } from './private-names.ts';
import { compileProjection, type Projection } from './projection/compile-projection.ts';
import { conditionVariables, type OperationAst } from './projection/selection.ts';
import { askedOnce } from './asked-once.ts';
import { liftFields } from './required/lifted-fields.ts';
import { restorePlan } from './required/restore-plan.ts';
import { fragmentsOf, subscriptionErrors } from './subscription-rules.ts';
import { soundPlan } from './soundness/sound-plan.ts';
import type { SupergraphState } from './supergraph-state.ts';
import { coerceVariables, type CoercedVariables } from './variables.ts';

/** An operation ready to run: parsed, validated, planned and compiled against one supergraph. */
export interface CompiledOperation {
  readonly kind: 'query' | 'mutation' | 'subscription';
  readonly errors?: undefined;
  readonly coerce: (given: Readonly<JsonObject>) => CoercedVariables;
  /** Undefined where subgraphs have nothing to answer. */
  readonly run: Run | undefined;
  readonly subscription: CompiledSubscription | undefined;
  readonly introspect: Introspect;
  readonly projection: Projection;
  /** Whether the answer of the plan's one fetch may be the client's as it stands. */
  readonly passesThrough: boolean;
  /** Whether its caller must not see all of it. */
  readonly withholds: boolean;
  /** How to answer in parts under these variables. Undefined where the operation defers nothing, or may not: a subscription's events are whole. */
  readonly inParts?: (variables: JsonObject) => OperationInParts;
}

export interface OperationInParts {
  readonly operation: CompiledOperation;
  /** Label within the engine → the client's. Empty: these variables defer nothing. */
  readonly labels: DeferringAst['labels'];
}

/** Why a document cannot run. Kept as well, so that a bad document sent again costs a look-up. */
export interface InvalidOperation {
  readonly errors: readonly GraphQLError[];
}

export type Operation = CompiledOperation | InvalidOperation;

/** As far as it is the same for all callers. */
export type PreparedOperation = Operation | RestrictedOperation;

/** Parses, validates, plans, compiles. Never throws. */
export function prepareOperation(
  state: SupergraphState,
  limits: OperationLimits,
  query: string,
  operationName: string | null | undefined,
): PreparedOperation {
  let document: DocumentNode;
  try {
    document = parse(query, { maxTokens: limits.maxTokens });
  } catch (error) {
    return { errors: [coded(error, 'GRAPHQL_PARSE_FAILED')] };
  }
  const refused = [...checkLimits(document, limits), ...subscriptionErrors(document)];
  if (refused.length > 0) return { errors: refused };
  const errors = validate(state.apiSchema, document, specifiedRules, { maxErrors: 20 });
  if (errors.length > 0) return { errors: errors.map((error) => coded(error, 'GRAPHQL_VALIDATION_FAILED')) };
  return compileWithinLimits(state, document, operationName);
}

/** As `prepareOperation`, for a document that is known to be valid; nobody has measured it yet. */
export function compileDocument(
  state: SupergraphState,
  limits: OperationLimits,
  document: DocumentNode,
  operationName: string | null | undefined,
): PreparedOperation {
  const errors = checkLimits(document, limits);
  return errors.length > 0 ? { errors } : compileWithinLimits(state, document, operationName);
}

function compileWithinLimits(
  state: SupergraphState,
  document: DocumentNode,
  operationName: string | null | undefined,
): PreparedOperation {
  const operation = getOperationAST(document, operationName || null);
  if (!operation) return { errors: [unknownOperation(document, operationName)] };
  const ast = askedOnce({ operation, fragments: fragmentsOf(document) });
  const errors = [...subscriptionErrors(document), ...deferErrors(document)];
  if (errors.length > 0) return { errors };
  const restricted = restrictedOperation(state.authorization, state.apiSchema, ast, (unmet) =>
    compileAny({ ...state, unmet }, ast),
  );
  return restricted ?? compileAny(state, ast);
}

function compileAny(state: SupergraphState, ast: OperationAst): Operation {
  try {
    const defers = defersOf(ast);
    return defers.length === 0 ? compile(state, ast) : compileDeferring(state, ast, defers);
  } catch (error) {
    const { code, message } = error instanceof CodedError ? error : UNPLANNABLE;
    return { errors: [coded(error, code, message)] };
  }
}

const UNPLANNABLE = { code: 'INTERNAL_SERVER_ERROR', message: 'The operation could not be planned.' };

/** So many decisions of `@defer(if:)` are kept compiled. */
const MAX_DECISIONS = 16;

/** Answered whole unless the caller asks for parts; those are planned when they are asked for. */
function compileDeferring(
  state: SupergraphState,
  ast: OperationAst,
  defers: ReturnType<typeof defersOf>,
): CompiledOperation {
  const whole = compile(state, withoutDefers(ast));
  if (whole.kind === 'subscription') return whole;
  const deciding = deferVariables(defers);
  const conditional = [...new Set([...conditionVariables(ast), ...deciding])];
  const coerce: CompiledOperation['coerce'] = (given) =>
    coerceVariables(state.apiSchema, ast.operation, conditional, given);
  const known = new Map<string, OperationInParts>();
  const inParts = (variables: JsonObject) => {
    const key = deciding.map((name) => (variables[name] === true ? '1' : '0')).join('');
    let parts = known.get(key);
    if (!parts) {
      if (known.size >= MAX_DECISIONS) known.clear();
      known.set(key, (parts = compileParts(state, resolveDefers(ast, variables), whole)));
    }
    return parts;
  };
  return { ...whole, coerce, inParts };
}

function compileParts(
  state: SupergraphState,
  resolved: DeferringAst,
  whole: CompiledOperation,
): OperationInParts {
  const { ast, labels } = plannableDefers(state.apiSchema, state.interfaceObjects, resolved);
  const inOne = { labels: new Map<string, undefined>(), operation: whole };
  if (labels.size === 0) return inOne;
  try {
    return { labels, operation: compile({ ...state, onUnsoundPlan: undefined }, ast) };
  } catch {
    // The planner fails on some @defer, around interface objects above all. A server may always answer whole.
    return inOne;
  }
}

function compile(state: SupergraphState, given: OperationAst): CompiledOperation {
  const { apiSchema, fullSchema, authorization, unmet } = state;
  const { operation } = given;
  const root = apiSchema.getRootType(operation.operation);
  if (!root) throw new Error(`the schema has no ${operation.operation}`);
  const position = operation.operation === 'subscription' ? logPosition(apiSchema, given) : null;
  const { ast, planned: selected } = position ?? { ast: given, planned: given };
  const restriction = { authorization, schema: apiSchema, unmet };
  const { planned } = permittedOperation(restriction, selected);
  const { shown } = permittedOperation(restriction, ast);
  const names = createPrivateNames(state.fieldNames, documentOf(selected));
  const conditional = conditionVariables(ast);
  const node = planned && planOf(state, planned, names, conditional.length > 0 || defersOf(ast).length > 0);
  const isSubscription = node?.kind === 'Subscription';
  return {
    kind: operation.operation,
    coerce: (given) => coerceVariables(apiSchema, operation, conditional, given),
    run: node && !isSubscription ? compilePlan(fullSchema, node) : undefined,
    subscription: isSubscription
      ? compileSubscription(fullSchema, node, position && eventLog(position, names))
      : undefined,
    introspect: compileIntrospection(apiSchema, ast),
    projection: compileProjection(apiSchema, names, shown, root),
    withholds: shown.withheld !== undefined,
    passesThrough: !isSubscription && !shown.withheld && isPassThrough(state, node ?? undefined, ast, root),
  };
}

function planOf(state: SupergraphState, whole: OperationAst, names: PrivateNames, isConditional: boolean) {
  const { apiSchema, fullSchema, planner, plannerSchema, overrides, required, liftable } = state;
  return soundPlan(state, { ast: whole, names }, (ast) => {
    const planned = liftFields(apiSchema, liftable, withPrivateNames(ast, names, isConditional));
    const plannable = operationFromDocument(plannerSchema, documentOf(planned), { validate: false });
    const { node } = planner.buildQueryPlan(plannable, { overrideConditions: overrides });
    return node && restorePlan(fullSchema, required, node);
  });
}

/** The operation alone with its fragments: the planner takes one. */
const documentOf = ({ operation, fragments }: OperationAst): DocumentNode => ({
  kind: Kind.DOCUMENT,
  definitions: [operation, ...fragments.values()],
});

function unknownOperation(document: DocumentNode, name: string | null | undefined): GraphQLError {
  const count = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION).length;
  const message = name
    ? `Unknown operation named "${name}".`
    : count === 0
      ? 'The document contains no operation.'
      : 'Must provide operation name if query contains multiple operations.';
  return new GraphQLError(message, { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } });
}

/** `shown` replaces a message that may tell of insides. */
function coded(error: unknown, code: string, shown?: string): GraphQLError {
  const known = error instanceof GraphQLError ? error : undefined;
  const message = shown ?? known?.message ?? 'The document could not be read.';
  return new GraphQLError(message, {
    nodes: known?.nodes,
    source: known?.source,
    positions: known?.positions,
    originalError: error instanceof Error ? error : undefined,
    extensions: { code },
  });
}
