import { HeaderMap, type ApolloServerPlugin, type GraphQLResponse } from '@apollo/server';
import type { GatewayInterface } from '@apollo/server-gateway-interface';
import { GraphQLError, type DocumentNode, type FormattedExecutionResult, type GraphQLSchema } from 'graphql';
import { isIncremental, type Engine, type EngineScope, type IncrementalResult } from './engine.ts';

/** A scope whose caller can answer in parts. */
export interface FrontScope extends EngineScope {
  /**
   * Takes the parts that come after the answer. Apollo Server itself has no way for a gateway to hand them over; this one passes it by, so that
   * plugins, persisted queries and the formatting of errors apply to the first answer all the same.
   */
  readonly takeParts?: (subsequent: IncrementalResult['subsequent']) => void;
}

export interface EngineGateway extends GatewayInterface {
  /**
   * Answers what succeeds before it is handed to the gateway. For what is, Apollo Server makes objects with accessors of their own, each of which V8
   * keeps, with the whole request, until the next full collection. What fails goes to the gateway after all, with the result it had here, so that errors
   * are formatted, and plugins told of them, as ever. Plugins that follow the execution see nothing of the rest.
   */
  readonly shortcut: ApolloServerPlugin<EngineScope>;
}

/** What Apollo Server knows of an operation, here and there. */
interface Asked {
  readonly document: DocumentNode;
  readonly schema: GraphQLSchema;
  readonly request: {
    readonly operationName?: string | undefined;
    readonly variables?: Record<string, unknown> | undefined;
  };
  readonly requestIsBatched?: boolean | undefined;
}

/**
 * The engine behind Apollo Server, which parses and validates against the schema it was given and keeps the documents. `scopeOf` reads what
 * belongs to a request from its context value. Stopping the server leaves the engine to its owner.
 */
export function createApolloGateway(
  engine: Engine,
  scopeOf: (contextValue: object) => FrontScope,
): EngineGateway {
  const run = async (asked: Asked, scope: FrontScope): Promise<FormattedExecutionResult> => {
    const { document, schema, request, requestIsBatched } = asked;
    const inParts = scope.takeParts !== undefined && !requestIsBatched;
    const execute = inParts ? engine.executeDocumentInParts : engine.executeDocument;
    const name = request.operationName ?? null;
    const result = await execute(document, name, request.variables, scope, schema);
    if (!isIncremental(result)) return result;
    scope.takeParts?.(result.subsequent);
    return result.initial;
  };
  /** Of operations that failed here, by their context values, which Apollo Server copies for each. */
  const failed = new WeakMap<object, Promise<FormattedExecutionResult>>();
  return {
    onSchemaLoadOrUpdate(callback) {
      const report = () => callback({ apiSchema: engine.apiSchema, coreSupergraphSdl: engine.supergraphSdl });
      report();
      return engine.onSwap(report);
    },
    load: async () => ({
      executor: async (asked) => {
        const { context } = asked;
        return asExecutionResult(await (failed.get(context) ?? run(asked, scopeOf(context))));
      },
    }),
    stop: async () => undefined,
    shortcut: earlyAnswers(async (asked, contextValue) => {
      const running = run(asked, scopeOf(contextValue));
      const result = await running.catch(() => null);
      if (result && !result.errors) return result;
      failed.set(contextValue, running);
      return null;
    }),
  };
}

function earlyAnswers(
  answer: (asked: Asked, contextValue: object) => Promise<FormattedExecutionResult | null>,
): ApolloServerPlugin<EngineScope> {
  return {
    async requestDidStart() {
      return {
        async responseForOperation(context): Promise<GraphQLResponse | null> {
          const singleResult = await answer(context, context.contextValue);
          if (!singleResult) return null;
          return {
            http: { status: undefined, headers: new HeaderMap() },
            body: { kind: 'single', singleResult },
          };
        },
      };
    },
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
