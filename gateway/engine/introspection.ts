import {
  executeSync,
  Kind,
  OperationTypeNode,
  type DocumentNode,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import { isJsonObject, type JsonObject } from './plan/execution.ts';
import { collectFields, conditionVariables, type OperationAst } from './projection/selection.ts';

/** Answers an operation's `__schema` and `__type` fields from the API schema, by response name. */
export type Introspect = (variables: JsonObject) => JsonObject;

const NOTHING: JsonObject = Object.freeze({});

/** The answer is computed once where no variable can change it. */
export function compileIntrospection(
  schema: GraphQLSchema,
  ast: OperationAst,
  root: GraphQLObjectType,
): Introspect {
  const { operation, fragments } = ast;
  if (operation.operation !== OperationTypeNode.QUERY || !introspects(schema, ast, root))
    return () => NOTHING;
  const document: DocumentNode = {
    kind: Kind.DOCUMENT,
    definitions: [operation, ...fragments.values()],
  };
  const answer = (variableValues: JsonObject): JsonObject => {
    const { data } = executeSync({ schema, document, variableValues, rootValue: {}, fieldResolver: resolve });
    return isJsonObject(data) ? data : NOTHING;
  };
  if (operation.variableDefinitions?.length) return answer;
  let once: JsonObject | undefined;
  return () => (once ??= answer({}));
}

/** Subgraphs answer the data fields; here they are null at once. */
const resolve = () => null;

function introspects(schema: GraphQLSchema, ast: OperationAst, root: GraphQLObjectType): boolean {
  const sets = [ast.operation.selectionSet];
  const all = [true, false].flatMap((value) => {
    const conditions = new Map(conditionVariables(ast).map((name) => [name, value]));
    return [...collectFields(schema, ast, conditions, root, sets).values()];
  });
  return all.some(([node]) => node?.name.value === '__schema' || node?.name.value === '__type');
}
