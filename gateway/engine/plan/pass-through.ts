import type { FetchNode, PlanNode } from '@apollo/query-planner';
import {
  getNamedType,
  isEnumType,
  isLeafType,
  isObjectType,
  Kind,
  parse,
  type FieldNode,
  type GraphQLEnumType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql';
import { collectFields, conditionVariables, type OperationAst } from '../projection/selection.ts';

export interface PassThroughSchemas {
  readonly apiSchema: GraphQLSchema;
  readonly fullSchema: GraphQLSchema;
}

/**
 * Whether a plan is one fetch whose answer is the client's as it stands: the same response names in the same order all the way down, of types
 * whose values are all there for clients to see. Such an answer need not be read to be handed on.
 */
export function isPassThrough(
  schemas: PassThroughSchemas,
  plan: PlanNode | undefined,
  ast: OperationAst,
  root: GraphQLObjectType,
): boolean {
  if (plan?.kind !== 'Fetch' || !isPlain(plan) || conditionVariables(ast).length > 0) return false;
  const sent = sentSelections(plan);
  return sent !== null && isSame(schemas, ast, root, [ast.operation.selectionSet], sent);
}

const isPlain = ({ requires, outputRewrites, inputRewrites, contextRewrites }: FetchNode) =>
  ![requires, outputRewrites, inputRewrites, contextRewrites].some((list) => list && list.length > 0);

/** Null where the request holds fragments. */
function sentSelections({ operation }: FetchNode): SelectionSetNode | null {
  const { definitions } = parse(operation, { noLocation: true });
  const [only] = definitions;
  return definitions.length === 1 && only?.kind === Kind.OPERATION_DEFINITION ? only.selectionSet : null;
}

function isSame(
  schemas: PassThroughSchemas,
  ast: OperationAst,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
  sent: SelectionSetNode,
): boolean {
  const wanted = [...collectFields(schemas.apiSchema, ast, new Map(), type, sets)];
  return (
    wanted.length === sent.selections.length &&
    wanted.every(([key, nodes], index) => {
      const field = sent.selections[index];
      if (field?.kind !== Kind.FIELD || field.directives?.length) return false;
      if ((field.alias ?? field.name).value !== key || field.name.value !== nodes[0]?.name.value)
        return false;
      return isSameValue(schemas, ast, type, nodes, field);
    })
  );
}

function isSameValue(
  schemas: PassThroughSchemas,
  ast: OperationAst,
  parent: GraphQLObjectType,
  nodes: readonly FieldNode[],
  sent: FieldNode,
): boolean {
  const name = sent.name.value;
  if (name === '__typename') return true;
  const definition = parent.getFields()[name];
  if (!definition) return false;
  const type = getNamedType(definition.type);
  if (isLeafType(type)) return !isEnumType(type) || isWholeEnum(type, schemas.fullSchema.getType(type.name));
  // An object of an abstract type may be of one that clients are not to know.
  if (!isObjectType(type) || !sent.selectionSet) return false;
  const sets = nodes.flatMap(({ selectionSet }) => (selectionSet ? [selectionSet] : []));
  return isSame(schemas, ast, type, sets, sent.selectionSet);
}

const isWholeEnum = (type: GraphQLEnumType, full: GraphQLNamedType | undefined) =>
  isEnumType(full) && full.getValues().length === type.getValues().length;
