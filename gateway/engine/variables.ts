import { getVariableValues, GraphQLError, type GraphQLSchema, type OperationDefinitionNode } from 'graphql';
import type { JsonObject } from './plan/execution.ts';

export type CoercedVariables =
  | { readonly variables: JsonObject; readonly errors?: undefined }
  | { readonly errors: readonly GraphQLError[] };

/**
 * Checks what the client gave against the operation's declarations. Subgraphs get the raw values, because they coerce them themselves and a
 * value coerced twice may differ; defaults are added only for the `conditional` variables, which the engine reads.
 */
export function coerceVariables(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  conditional: readonly string[],
  given: Readonly<JsonObject>,
): CoercedVariables {
  const definitions = operation.variableDefinitions;
  if (!definitions?.length) return { variables: {} };
  const { coerced, errors } = getVariableValues(schema, definitions, given, { maxErrors: 20 });
  if (errors) return { errors: errors.map(asBadInput) };
  const variables: JsonObject = {};
  for (const { variable } of definitions) {
    const name = variable.name.value;
    if (Object.hasOwn(given, name)) variables[name] = given[name];
  }
  for (const name of conditional) {
    if (typeof coerced[name] !== 'boolean') return { errors: [notBoolean(name)] };
    variables[name] = coerced[name];
  }
  return { variables };
}

function asBadInput(error: GraphQLError): GraphQLError {
  return new GraphQLError(error.message, {
    nodes: error.nodes,
    extensions: { ...error.extensions, code: 'BAD_USER_INPUT' },
  });
}

function notBoolean(name: string): GraphQLError {
  const message = `Variable "$${name}" is used as a condition and must be true or false.`;
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
}
