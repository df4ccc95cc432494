import type { GatewayGraphQLRequestContext, GatewayInterface } from '@apollo/server-gateway-interface';
import { GraphQLError, type FormattedExecutionResult } from 'graphql';
import { isIncremental, type Engine, type EngineScope, type IncrementalResult } from './engine.ts';

/** A scope whose caller can answer in parts. */
export interface FrontScope extends EngineScope {
  /**
   * Takes the parts that come after the answer. Apollo Server itself has no way for a gateway to hand them over; this one passes it by, so that
   * plugins, persisted queries and the formatting of errors apply to the first answer all the same.
   */
  readonly takeParts?: (subsequent: IncrementalResult['subsequent']) => void;
}

/**
 * The engine behind Apollo Server, which parses and validates against the schema it was given and keeps the documents. `scopeOf` reads what
 * belongs to a request from its context value. Stopping the server leaves the engine to its owner.
 */
export function createApolloGateway(
  engine: Engine,
  scopeOf: (context: GatewayGraphQLRequestContext) => FrontScope,
): GatewayInterface {
  return {
    onSchemaLoadOrUpdate(callback) {
      const report = () => callback({ apiSchema: engine.apiSchema, coreSupergraphSdl: engine.supergraphSdl });
      report();
      return engine.onSwap(report);
    },
    load: async () => ({
      executor: async (context) => {
        const { document, schema, request } = context;
        const scope = scopeOf(context);
        const inParts = scope.takeParts !== undefined && !context.requestIsBatched;
        const run = inParts ? engine.executeDocumentInParts : engine.executeDocument;
        const name = request.operationName ?? null;
        const result = await run(document, name, request.variables, scope, schema);
        if (!isIncremental(result)) return asExecutionResult(result);
        scope.takeParts?.(result.subsequent);
        return asExecutionResult(result.initial);
      },
    }),
    stop: async () => undefined,
  };
}

/** Apollo Server hands errors to its plugins and formats them itself: it wants GraphQLErrors. */
function asExecutionResult({ data, errors, extensions }: FormattedExecutionResult) {
  const shown = errors?.map(
    ({ message, path, extensions: details }) => new GraphQLError(message, { path, extensions: details }),
  );
  return {
    ...(data !== undefined && { data }),
    ...(shown && { errors: shown }),
    ...(extensions && { extensions }),
  };
}
