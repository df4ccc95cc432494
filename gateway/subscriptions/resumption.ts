import {
  getOperationAST,
  Kind,
  parse,
  parseType,
  print,
  separateOperations,
  visit,
  type ArgumentNode,
  type DocumentNode,
  type FieldNode,
  type FormattedExecutionResult,
  type GraphQLArgument,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type VariableNode,
} from 'graphql';
import type { GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import { allSelections, fragmentsOf, responseName } from '../engine/subscription-rules.ts';

/** A subscription that a client can take up again where it has lost it. */
export interface Resumption {
  /** What is to run. */
  readonly operation: GraphQLRequest;
  /** The client's position behind an event; null where it has not selected that. */
  readonly idOf: (event: FormattedExecutionResult) => string | null;
}

/** What a header carries unchanged, and a line of an event stream. */
const EVENT_ID = /^[\x21-\x7e]+$/;

/**
 * Reads a valid subscription by the convention of event logs: the root field has an argument `after`, and its events a field `cursor` with
 * the value to hand back. `lastEventId` goes before an `after` of the client's own: an EventSource that reconnects repeats its first address.
 */
export function resumptionOf(
  request: GraphQLRequest,
  schema: GraphQLSchema,
  lastEventId: unknown,
): Resumption {
  const document = parse(request.query);
  const definition = getOperationAST(document, request.operationName);
  const fragments = fragmentsOf(document);
  const roots = definition ? allSelections(definition.selectionSet, fragments).filter(isField) : [];
  const [root] = roots;
  const after = root && afterOf(root, schema);
  if (!definition || !after) return { operation: request, idOf: () => null };
  const selections = roots.flatMap(({ selectionSet }) => selectionSet ?? []);
  const cursors = selections
    .flatMap((set) => allSelections(set, fragments))
    .filter(isField)
    .filter(({ name }) => name.value === 'cursor')
    .map(responseName);
  return {
    operation: isEventId(lastEventId)
      ? continued({ request, document, definition, roots, after }, lastEventId)
      : request,
    idOf: ({ data }) => {
      const event: unknown = data?.[responseName(root)];
      const fields = new Map(Object.entries(Object(event)));
      return cursors.map((name) => fields.get(name)).find(isEventId) ?? null;
    },
  };
}

const isField = (node: SelectionNode): node is FieldNode => node.kind === Kind.FIELD;

const isEventId = (value: unknown): value is string => typeof value === 'string' && EVENT_ID.test(value);

function afterOf({ name }: FieldNode, schema: GraphQLSchema): GraphQLArgument | undefined {
  const field = schema.getSubscriptionType()?.getFields()[name.value];
  return field?.args.find((argument) => argument.name === 'after');
}

interface ResumableRequest {
  readonly request: GraphQLRequest;
  readonly document: DocumentNode;
  readonly definition: OperationDefinitionNode;
  /** Several selections of the one root field. */
  readonly roots: readonly FieldNode[];
  readonly after: GraphQLArgument;
}

/** By way of a variable, so that the text is the same for every position, and planned once. */
function continued({ request, ...operation }: ResumableRequest, lastEventId: string): GraphQLRequest {
  const given = operation.roots[0]?.arguments?.find(isAfter)?.value;
  const names = new Set(operation.definition.variableDefinitions?.map(({ variable }) => variable.name.value));
  const name = given?.kind === Kind.VARIABLE ? given.name.value : unusedName(names);
  const query = given?.kind === Kind.VARIABLE ? request.query : withVariable(operation, name);
  return { ...request, query, variables: { ...request.variables, [name]: lastEventId } };
}

const isAfter = ({ name }: ArgumentNode) => name.value === 'after';

function unusedName(used: ReadonlySet<string>): string {
  let name = 'lastEventId';
  while (used.has(name)) name += '_';
  return name;
}

function withVariable(
  { document, definition, roots, after }: Omit<ResumableRequest, 'request'>,
  name: string,
): string {
  const variable: VariableNode = { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: name } };
  const argument: ArgumentNode = {
    kind: Kind.ARGUMENT,
    name: { kind: Kind.NAME, value: 'after' },
    value: variable,
  };
  const type = parseType(String(after.type));
  // Other operations of the document could share its fragments, but not its variable.
  const own = separateOperations(document)[definition.name?.value ?? ''] ?? document;
  const changed = visit(own, {
    OperationDefinition: (node) =>
      node === definition
        ? {
            ...node,
            variableDefinitions: [
              ...(node.variableDefinitions ?? []),
              { kind: Kind.VARIABLE_DEFINITION, variable, type },
            ],
          }
        : undefined,
    Field: (node) =>
      roots.includes(node)
        ? { ...node, arguments: [...(node.arguments ?? []).filter((each) => !isAfter(each)), argument] }
        : undefined,
  });
  return print(changed);
}
