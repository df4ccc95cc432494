import type { GraphQLSchema } from 'graphql';
import type { Log } from '#platform/log.ts';
import type { Tracing } from '#platform/tracing/tracing.ts';
import { createClientRegistry, type ClientRegistryOptions } from './client-registry.ts';
import type { Engine } from './engine.ts';
import { execute, executeInParts, executeText, type Execute } from './execute.ts';
import { createGroups, type LiveOptions } from './live/groups.ts';
import { kindOf, lookUp, lookUpDocument } from './look-up.ts';
import { createCacheCounts } from './operation-cache.ts';
import type { LabelledOptions } from './override-labels.ts';
import { serve, type Serving } from './serving.ts';
import { createRefusals } from './soundness/sound-plan.ts';
import { createSwapListeners } from './swap-listeners.ts';

export interface EngineOptions extends LabelledOptions {
  readonly sdl: string;
  /** Makes the client of a subgraph: once per name and URL while a supergraph has it, and anew where one has it again later. */
  readonly clients: ClientRegistryOptions['clients'];
  readonly log: Log;
  /** Without it nothing is recorded. */
  readonly tracing?: Tracing | null;
  readonly live?: LiveOptions;
}

/** What every supergraph that serves is served with, and what is kept over swaps. */
const createOutliving = (options: EngineOptions) => ({
  ...options,
  cache: { ...options.cache, counts: createCacheCounts() },
  registry: createClientRegistry(options),
  refusals: createRefusals(options.log),
  tracing: options.tracing ?? null,
  mutations: { ended: 0 },
});

/** Throws a CodedError for a bad SDL. Close it to free the subgraph clients. */
export function createEngine(options: EngineOptions): Engine {
  const outliving = createOutliving(options);
  const { cache, mutations, refusals, registry } = outliving;
  let serving = serve(outliving, options.sdl);
  // Documents that were validated against an older schema run on the supergraph of that schema.
  const bySchema = new WeakMap<GraphQLSchema, Serving>([[serving.state.apiSchema, serving]]);
  const runRequest =
    <T>(how: Execute<T>) =>
    (...[request, scope]: Parameters<Engine['execute']>) =>
      how(serving, lookUp(serving, request, scope), request.variables, scope);
  const runDocument =
    <T>(how: Execute<T>) =>
    (...[document, operationName, variables, scope, schema]: Parameters<Engine['executeDocument']>) => {
      const from = (schema && bySchema.get(schema)) ?? serving;
      return how(from, lookUpDocument(from, document, operationName, scope), variables, scope);
    };
  const { onSwap, tell } = createSwapListeners();
  const groups = createGroups({ serving: () => serving, onSwap }, options.log, options.live);
  const engine: Engine = {
    get apiSchema() {
      return serving.state.apiSchema;
    },
    get supergraphSdl() {
      return serving.state.sdl;
    },
    get mutationsEnded() {
      return mutations.ended;
    },
    execute: runRequest(execute),
    executeInParts: runRequest(executeInParts),
    executeText: runRequest(executeText),
    executeDocument: runDocument(execute),
    executeDocumentInParts: runDocument(executeInParts),
    follow: groups.follow,
    subscribe: groups.subscribe,
    operationKind: (request, headers) => kindOf(serving, request, headers),
    guarded: () => serving.state.authorization?.guarded ?? [],
    liveCounts: () => groups.counts,
    unsoundPlans: refusals.count,
    operationCache: () => ({ ...cache.counts, ...serving.operations.size() }),
    swap(sdl) {
      serving = serve(outliving, sdl, serving);
      bySchema.set(serving.state.apiSchema, serving);
      tell(engine);
    },
    onSwap,
    close: () => registry.close(),
  };
  return engine;
}
