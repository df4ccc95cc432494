import type { FormattedExecutionResult } from 'graphql';
import type { Engine, EngineScope, IncrementalResult } from '../engine/engine.ts';

export type Answer = FormattedExecutionResult | IncrementalResult | string;

/** Runs one query or mutation, with the scope it is given or one of its own making. */
export type Around = <T extends Answer>(
  scope: EngineScope,
  run: (scope: EngineScope) => Promise<T>,
) => Promise<T>;

/** An engine of which every query and mutation passes `around`. The rest is the given engine's. */
export function engineLayer(engine: Engine, around: Around): Engine {
  const own: Partial<Engine> = {
    execute: (request, scope) => around(scope, (inner) => engine.execute(request, inner)),
    executeInParts: (request, scope) => around(scope, (inner) => engine.executeInParts(request, inner)),
    executeText: (request, scope) => around(scope, (inner) => engine.executeText(request, inner)),
    executeDocument: (document, name, variables, scope, schema) =>
      around(scope, (inner) => engine.executeDocument(document, name, variables, inner, schema)),
    executeDocumentInParts: (document, name, variables, scope, schema) =>
      around(scope, (inner) => engine.executeDocumentInParts(document, name, variables, inner, schema)),
  };
  // Inherited rather than copied, because what `apiSchema` and `supergraphSdl` say changes with a swap.
  return Object.assign(Object.create(engine), own);
}
