import { getVariableValues, GraphQLError, type GraphQLSchema, type OperationDefinitionNode } from 'graphql';
import { Upload } from 'graphql-upload-ts';
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
  const deep = definitions.find(({ variable }) => isTooDeep(given[variable.name.value]));
  if (deep) return { errors: [tooDeep(deep.variable.name.value)] };
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

/** Lists and objects within each other. Other readers of JSON, subgraphs among them, have their limits about there, and fail where they come to them. */
const MAX_DEPTH = 128;

/** Whether a value of a variable, or all of them, is nested deeper than anybody may be asked to read. */
export function isTooDeep(value: unknown, levels = MAX_DEPTH): boolean {
  // A file is not the client's to nest.
  if (typeof value !== 'object' || value === null || value instanceof Upload) return false;
  return levels === 0 || Object.values(value).some((child) => isTooDeep(child, levels - 1));
}

function tooDeep(name: string): GraphQLError {
  const message = `Variable "$${name}" is nested deeper than ${MAX_DEPTH} levels.`;
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
}

function notBoolean(name: string): GraphQLError {
  const message = `Variable "$${name}" is used as a condition and must be true or false.`;
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
}
