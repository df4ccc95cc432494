import { GraphQLError, type FormattedExecutionResult, type GraphQLSchema } from 'graphql';
import type { Log } from '#platform/log.ts';
import type { GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import { requestFields } from '#platform/tracing/trace-context.ts';
import type { Tracing } from '#platform/tracing/tracing.ts';
import { createClientRegistry, type ClientRegistryOptions, type ClientSet } from './client-registry.ts';
import type { Engine, EngineScope, IncrementalResult } from './engine.ts';
import { createDeferral } from './incremental/deferral.ts';
import { deliver } from './incremental/delivery.ts';
import { createInterruption } from './interruption.ts';
import { failure, guarded, kindOf, logFaults, lookUp, lookUpDocument } from './look-up.ts';
import { createCacheCounts } from './operation-cache.ts';
import type { CompiledOperation, Operation } from './operation.ts';
import {
  createLabelledOperations,
  type LabelledOperations,
  type LabelledOptions,
} from './override-labels.ts';
import type { Execution, JsonObject } from './plan/execution.ts';
import { finish, refused } from './response.ts';
import { createSupergraphState, type SupergraphState } from './supergraph-state.ts';
import { startSubscription, type LastResult, type LivePlan, type LivePlans } from './subscription.ts';

export interface EngineOptions extends LabelledOptions {
  readonly sdl: string;
  /** Makes the client of a subgraph: once per name and URL while a supergraph has it, and anew where one has it again later. */
  readonly clients: ClientRegistryOptions['clients'];
  readonly log: Log;
  /** Without it nothing is recorded. */
  readonly tracing?: Tracing | null;
}

/** What serves: replaced as a whole by a swap. */
interface Serving {
  readonly state: SupergraphState;
  readonly operations: LabelledOperations;
  readonly clients: ClientSet;
  readonly tracing: Tracing | null;
}

/** Throws a CodedError for a bad SDL. Close it to free the subgraph clients. */
export function createEngine(options: EngineOptions): Engine {
  const registry = createClientRegistry(options);
  const counts = createCacheCounts();
  const counted = { ...options, cache: { ...options.cache, counts } };
  let serving = serve(counted, registry, options.sdl);
  // Documents that were validated against an older schema run on the supergraph of that schema.
  const bySchema = new WeakMap<GraphQLSchema, Serving>([[serving.state.apiSchema, serving]]);
  const listeners = new Set<(engine: Engine) => void>();
  const runDocument = <T>(how: Execute<T>, ...given: Parameters<Engine['executeDocument']>) => {
    const [document, operationName, variables, scope, schema] = given;
    const from = (schema && bySchema.get(schema)) ?? serving;
    const operation = lookUpDocument(from, document, operationName, scope);
    return how(from, options.log, operation, variables, scope);
  };
  const onSwap: Engine['onSwap'] = (listener) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  const source: Source = { serving: () => serving, onSwap, log: options.log };
  const engine: Engine = {
    get apiSchema() {
      return serving.state.apiSchema;
    },
    get supergraphSdl() {
      return serving.state.sdl;
    },
    execute: async (request, scope) =>
      execute(serving, options.log, lookUp(serving, request, scope), request.variables, scope),
    executeInParts: async (request, scope) =>
      executeInParts(serving, options.log, lookUp(serving, request, scope), request.variables, scope),
    executeText: async (request, scope) =>
      executeText(serving, options.log, lookUp(serving, request, scope), request.variables, scope),
    executeDocument: async (...given) => runDocument(execute, ...given),
    executeDocumentInParts: async (...given) => runDocument(executeInParts, ...given),
    subscribe: async (request, scope) => subscribe(source, request, scope),
    operationKind: (request, headers) => kindOf(serving, request, headers),
    operationCache: () => ({ ...counts, ...serving.operations.size() }),
    swap(sdl) {
      serving = serve(counted, registry, sdl, serving);
      bySchema.set(serving.state.apiSchema, serving);
      for (const listener of listeners) listener(engine);
    },
    onSwap,
    close: () => registry.close(),
  };
  return engine;
}

function serve(
  options: EngineOptions,
  registry: ReturnType<typeof createClientRegistry>,
  sdl: string,
  before?: Serving,
): Serving {
  const state = createSupergraphState(sdl);
  const operations = createLabelledOperations(state, options);
  const clients = registry.setOf(state.subgraphs);
  if (before) warmUp(operations, before);
  before?.clients.release();
  return { state, operations, clients, tracing: options.tracing ?? null };
}

/** The swap waits for planning no longer than this; requests are held up meanwhile. */
const MAX_WARM_UP_MS = 200;

/** Plans what was asked for last before the new supergraph serves, latest first. */
function warmUp({ plain }: LabelledOperations, before: Serving): void {
  const endMs = performance.now() + MAX_WARM_UP_MS;
  for (const { query, operationName } of before.operations.plain.recent()) {
    if (performance.now() > endMs) return;
    guarded(() => plain.get(query, operationName));
  }
}

/** The clients are to be released when it is over: `executing` does. */
function begin(serving: Serving, variables: JsonObject, scope: EngineScope, log: Log): Execution {
  const { headers, signal, endsAtMs } = scope;
  const { tracing } = serving;
  const clients = serving.clients.use();
  return { variables, data: {}, errors: [], clients, headers, signal, endsAtMs, log, tracing };
}

async function executing<T>(
  serving: Serving,
  variables: JsonObject,
  scope: EngineScope,
  log: Log,
  work: (execution: Execution) => Promise<T>,
): Promise<T> {
  const execution = begin(serving, variables, scope, log);
  try {
    return await work(execution);
  } finally {
    serving.clients.release();
  }
}

type Execute<T> = (
  serving: Serving,
  log: Log,
  operation: Operation,
  given: GraphQLRequest['variables'],
  scope: EngineScope,
) => Promise<T>;

const execute: Execute<FormattedExecutionResult> = (serving, log, operation, given, scope) =>
  prepared(operation, given, scope, log, (ready, variables) =>
    executing(serving, variables, scope, log, async (execution) => {
      await run(ready, execution);
      return finish(ready, execution, scope.correlationId);
    }),
  );

const executeText: Execute<string | FormattedExecutionResult> = (serving, log, operation, given, scope) =>
  prepared(operation, given, scope, log, (ready, variables) =>
    executing(serving, variables, scope, log, async (begun) => {
      const passThrough = ready.passesThrough ? { text: null } : undefined;
      const execution = { ...begun, passThrough };
      await run(ready, execution);
      if (execution.passThrough?.text) return execution.passThrough.text;
      const result = finish(ready, execution, scope.correlationId);
      return result.errors ? result : JSON.stringify(result);
    }),
  );

const executeInParts: Execute<FormattedExecutionResult | IncrementalResult> = (
  serving,
  log,
  operation,
  given,
  scope,
) =>
  operation.errors || !operation.inParts
    ? execute(serving, log, operation, given, scope)
    : prepared(operation, given, scope, log, async ({ inParts }, variables) => {
        const parts = inParts?.(variables);
        if (!parts || parts.labels.size === 0) return execute(serving, log, operation, given, scope);
        const deferral = createDeferral();
        const execution = { ...begin(serving, variables, scope, log), deferral };
        try {
          await run(parts.operation, execution);
        } finally {
          void deferral.over().then(serving.clients.release);
        }
        return deliver({ parts, execution, deferral, correlationId: scope.correlationId });
      });

/** Refuses what cannot run; answers a fault of ours as an error. */
async function prepared<T>(
  operation: Operation,
  given: GraphQLRequest['variables'],
  { headers, correlationId }: EngineScope,
  log: Log,
  answer: (operation: CompiledOperation, variables: JsonObject) => Promise<T>,
): Promise<T | FormattedExecutionResult> {
  if (operation.errors) {
    logFaults(operation.errors, headers, log);
    return refused(operation.errors, correlationId);
  }
  if (operation.kind === 'subscription') return refused([notHere('subscription')], correlationId);
  const coerced = operation.coerce(given ?? {});
  if (coerced.errors) return refused(coerced.errors, correlationId);
  try {
    return await answer(operation, coerced.variables);
  } catch (error) {
    log.error({ ...requestFields(headers), err: error }, 'operation failed');
    return refused([failure('Internal server error.')], correlationId);
  }
}

async function run(operation: CompiledOperation, execution: Execution): Promise<void> {
  // The planner answers some operations that select data with an empty plan. Null data would look like an answer.
  if (!operation.run && operation.projection.selectsData(execution.variables)) {
    throw new Error('the plan is empty though the operation selects data');
  }
  await operation.run?.(execution);
  if (!execution.signal.aborted || execution.errors.length > 0) return;
  const extensions = { code: 'SUBGRAPH_TIMEOUT' };
  execution.errors.push({ message: 'The request ended before it was answered.', extensions });
}

/** Where subscriptions learn of the supergraph that serves. */
interface Source {
  readonly serving: () => Serving;
  readonly onSwap: Engine['onSwap'];
  readonly log: Log;
}

async function subscribe(source: Source, request: GraphQLRequest, scope: EngineScope) {
  const { correlationId } = scope;
  const plan = livePlan(source.serving(), source.log, request, scope);
  if ('errors' in plan) return refused(plan.errors, correlationId);
  try {
    return await startSubscription(followPlans(plan, source, request, scope), correlationId);
  } catch (error) {
    source.log.error({ ...requestFields(scope.headers), err: error }, 'subscription failed');
    return refused([failure('Internal server error.')], correlationId);
  }
}

function livePlan(
  serving: Serving,
  log: Log,
  request: GraphQLRequest,
  scope: EngineScope,
): LivePlan | { readonly errors: readonly GraphQLError[] } {
  const operation = lookUp(serving, request, scope);
  if (operation.errors) return operation;
  const { subscription } = operation;
  if (!subscription) return { errors: [notHere(operation.kind)] };
  const coerced = operation.coerce(request.variables ?? {});
  if (coerced.errors) return { errors: coerced.errors };
  const execute: LivePlan['execute'] = (work) => executing(serving, coerced.variables, scope, log, work);
  return { operation, subscription, clients: serving.clients, execute };
}

/** Plans anew with every supergraph. Events come as the first plan asked for them: a plan that needs other ones leaves the one before in force. */
function followPlans(
  first: LivePlan,
  source: Source,
  request: GraphQLRequest,
  scope: EngineScope,
): LivePlans {
  let current = first;
  const outdated = createInterruption<LastResult>();
  // The upstream stays with the clients of the first plan, whichever plan completes its events.
  first.clients.use();
  current.clients.use();
  const unfollow = source.onSwap(() => {
    const next = livePlan(source.serving(), source.log, request, scope);
    if ('errors' in next)
      return outdated.end({ last: refused([notValidAnyMore(), ...next.errors], scope.correlationId) });
    const { service, operation } = next.subscription;
    const isSame =
      service === first.subscription.service && operation.query === first.subscription.operation.query;
    if (!isSame) return;
    next.clients.use();
    current.clients.release();
    current = next;
  });
  const release = () => {
    unfollow();
    current.clients.release();
    first.clients.release();
  };
  return { current: () => current, outdated, release };
}

const notValidAnyMore = () =>
  new GraphQLError('The subscription ends: the graph has changed, and the operation is not valid any more.', {
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
  });

function notHere(kind: string): GraphQLError {
  const message = `A ${kind} cannot be run this way.`;
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } });
}
