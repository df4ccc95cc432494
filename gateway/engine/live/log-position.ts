import {
  getNamedType,
  isAbstractType,
  isEnumType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  Kind,
  parseType,
  print,
  valueFromASTUntyped,
  visit,
  type ASTNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type ValueNode,
} from 'graphql';
import type { JsonObject } from '../plan/execution.ts';
import type { OperationAst } from '../projection/selection.ts';
import { allSelections } from '../subscription-rules.ts';

/**
 * A subscription with a log, by convention: its root field takes a nullable `after`, and its events have a `cursor`, the value to hand
 * back as `after`. Such a subscription can be taken up again where it was lost.
 */
export interface LogPosition {
  /** The client's operation, with the position in a variable of our own: one operation for all positions. */
  readonly ast: OperationAst;
  /** The same, which also selects the fields of an event that say where it stands. */
  readonly planned: OperationAst;
  readonly variable: string;
  /** The position that the client gives; null or undefined: now. */
  readonly startOf: (variables: Readonly<JsonObject>) => unknown;
  /** The client's variable that says nothing but where to start; null where there is none. */
  readonly startVariable: string | null;
  /** The selections of the one root field. */
  readonly roots: readonly [FieldNode, ...FieldNode[]];
  /** The fields that were added. */
  readonly added: readonly FieldNode[];
  /** What tells a client that events are missing because it read too slowly; null where the schema has no such event. */
  readonly notice: GraphQLObjectType | null;
}

const SLOW_CONSUMER = 'SLOW_CONSUMER';

/** The event that stands for missed ones. Which of its fields are read is up to the client. */
export const noticeFields = (notice: GraphQLObjectType): JsonObject => ({
  __typename: notice.name,
  reason: SLOW_CONSUMER,
});

/** Null where the operation has no log. */
export function logPosition(schema: GraphQLSchema, ast: OperationAst): LogPosition | null {
  const [root, ...others] = allSelections(ast.operation.selectionSet, ast.fragments).filter(isField);
  const definition = root && schema.getSubscriptionType()?.getFields()[root.name.value];
  const after = definition?.args.find(({ name }) => name === 'after');
  const cursor = definition && fieldOf(definition, 'cursor');
  if (!root || !after || !cursor) return null;
  const notice = noticeOf(schema, getNamedType(definition.type));
  const added = [cursor, ...(notice ? sharedLeaves(definition) : [])].map(addedField);
  const variable = unusedName(ast.operation);
  const given = root.arguments?.find(({ name }) => name.value === 'after')?.value;
  const positioned = withPosition(ast, [root, ...others], variable, String(after.type));
  return {
    ast: positioned.ast,
    planned: withFields(positioned, added),
    variable,
    startOf: (variables) => valueOf(given, ast.operation, variables),
    startVariable: startVariableOf(given, positioned.ast),
    roots: positioned.roots,
    added,
    notice,
  };
}

const isField = (node: SelectionNode): node is FieldNode => node.kind === Kind.FIELD;

type EventField = GraphQLField<unknown, unknown>;

function fieldsOf(type: GraphQLNamedType): EventField[] {
  return isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
}

const fieldOf = ({ type }: EventField, name: string) =>
  fieldsOf(getNamedType(type)).find((field) => field.name === name && isLeafType(getNamedType(field.type)));

/** What every event says of itself: where it stands, and when it happened. */
const sharedLeaves = ({ type }: EventField) =>
  fieldsOf(getNamedType(type)).filter(
    ({ name, args, type: leaf }) => name !== 'cursor' && args.length === 0 && isLeafType(getNamedType(leaf)),
  );

const addedField = ({ name }: EventField): FieldNode => ({
  kind: Kind.FIELD,
  name: { kind: Kind.NAME, value: name },
  alias: { kind: Kind.NAME, value: `position__${name}` },
});

function isNotice(member: GraphQLObjectType): boolean {
  const reason = getNamedType(member.getFields()['reason']?.type);
  return isEnumType(reason) && reason.getValue(SLOW_CONSUMER) !== undefined;
}

/** The member of the events' type that is told by a `reason` which may be SLOW_CONSUMER. */
function noticeOf(schema: GraphQLSchema, type: GraphQLNamedType): GraphQLObjectType | null {
  if (!isAbstractType(type)) return null;
  return schema.getPossibleTypes(type).find(isNotice) ?? null;
}

function unusedName({ variableDefinitions = [] }: OperationDefinitionNode): string {
  const used = new Set(variableDefinitions.map(({ variable }) => variable.name.value));
  let name = 'position';
  while (used.has(name)) name += '_';
  return name;
}

function valueOf(
  given: ValueNode | undefined,
  { variableDefinitions = [] }: OperationDefinitionNode,
  variables: Readonly<JsonObject>,
): unknown {
  if (given?.kind !== Kind.VARIABLE) return given && valueFromASTUntyped(given);
  const name = given.name.value;
  if (Object.hasOwn(variables, name)) return variables[name];
  const standard = variableDefinitions.find(({ variable }) => variable.name.value === name)?.defaultValue;
  return standard && valueFromASTUntyped(standard);
}

type Roots = LogPosition['roots'];

function startVariableOf(
  given: ValueNode | undefined,
  { operation, fragments }: OperationAst,
): string | null {
  if (given?.kind !== Kind.VARIABLE) return null;
  const name = given.name.value;
  const usesOf = (text: string) => text.match(new RegExp(String.raw`\$${name}\b`, 'g'))?.length ?? 0;
  const uses = [operation, ...fragments.values()].map((node) => usesOf(print(node)));
  // Its declaration is left.
  return uses.reduce((sum, count) => sum + count) === 1 ? name : null;
}

interface Positioned {
  readonly ast: OperationAst;
  readonly roots: Roots;
}

function withPosition(
  ast: OperationAst,
  [first, ...rest]: Roots,
  variable: string,
  type: string,
): Positioned {
  const name = { kind: Kind.NAME, value: 'after' } as const;
  const value = { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: variable } } as const;
  const positionedOf = (root: FieldNode): FieldNode => {
    const others = (root.arguments ?? []).filter((argument) => argument.name.value !== 'after');
    return { ...root, arguments: [...others, { kind: Kind.ARGUMENT, name, value }] };
  };
  const roots: Roots = [positionedOf(first), ...rest.map(positionedOf)];
  const positioned = new Map([first, ...rest].map((root, at) => [root, roots[at]]));
  const replaced = mapAst(ast, (field) => positioned.get(field));
  const { variableDefinitions = [] } = ast.operation;
  const definition = { kind: Kind.VARIABLE_DEFINITION, variable: value, type: parseType(type) } as const;
  const operation = { ...replaced.operation, variableDefinitions: [...variableDefinitions, definition] };
  return { ast: { ...replaced, operation }, roots };
}

function withFields({ ast, roots }: Positioned, added: readonly FieldNode[]): OperationAst {
  return mapAst(ast, (field) => {
    const { selectionSet } = field;
    if (!roots.includes(field) || !selectionSet) return undefined;
    return {
      ...field,
      selectionSet: { ...selectionSet, selections: [...selectionSet.selections, ...added] },
    };
  });
}

/** Replaces fields, those of fragments included. */
function mapAst(
  { operation, fragments }: OperationAst,
  replace: (field: FieldNode) => FieldNode | undefined,
): OperationAst {
  const mapped = <T extends ASTNode>(node: T): T => visit(node, { Field: replace });
  const mappedFragments = [...fragments].map(([name, fragment]): [string, FragmentDefinitionNode] => [
    name,
    mapped(fragment),
  ]);
  return { operation: mapped(operation), fragments: new Map(mappedFragments) };
}
