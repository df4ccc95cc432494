import {
  executeSync,
  Kind,
  OperationTypeNode,
  visit,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { isJsonObject, type JsonObject } from './plan/execution.ts';
import type { OperationAst } from './projection/selection.ts';

/** Answers an operation's `__schema` and `__type` fields from the API schema, by response name. */
export type Introspect = (variables: JsonObject) => JsonObject;

const NOTHING: JsonObject = Object.freeze({});

/** The answer is computed once where no variable can change it. */
export function compileIntrospection(schema: GraphQLSchema, ast: OperationAst): Introspect {
  if (ast.operation.operation !== OperationTypeNode.QUERY) return () => NOTHING;
  const operation = withoutData(ast);
  if (operation.selectionSet.selections.length === 0) return () => NOTHING;
  const document: DocumentNode = { kind: Kind.DOCUMENT, definitions: [operation, ...ast.fragments.values()] };
  const answer = (variableValues: JsonObject): JsonObject => {
    const { data } = executeSync({ schema, document, variableValues });
    return isJsonObject(data) ? data : NOTHING;
  };
  if (operation.variableDefinitions?.length) return answer;
  let once: JsonObject | undefined;
  return () => (once ??= answer({}));
}

/** The operation as far as the schema alone answers it: a null for a data field might take away everything. */
function withoutData({ operation, fragments }: OperationAst): OperationDefinitionNode {
  const inSet = (set: SelectionSetNode): SelectionSetNode => ({
    ...set,
    selections: set.selections.flatMap((node): SelectionNode[] => {
      if (node.kind === Kind.FIELD) return introspects(node.name.value) ? [node] : [];
      const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : fragments.get(node.name.value);
      if (!fragment) return [];
      const { typeCondition } = fragment;
      const selectionSet = inSet(fragment.selectionSet);
      if (selectionSet.selections.length === 0) return [];
      return [{ kind: Kind.INLINE_FRAGMENT, typeCondition, directives: node.directives, selectionSet }];
    }),
  });
  const selectionSet = inSet(operation.selectionSet);
  const used = new Set<string>();
  const collect = { Variable: ({ name }: { name: { value: string } }) => void used.add(name.value) };
  visit(selectionSet, collect);
  for (const fragment of fragments.values()) visit(fragment, collect);
  const variableDefinitions = operation.variableDefinitions?.filter(({ variable }) =>
    used.has(variable.name.value),
  );
  return { ...operation, variableDefinitions, selectionSet };
}

const introspects = (name: string) => name === '__schema' || name === '__type';
