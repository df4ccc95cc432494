import {
  getOperationAST,
  Kind,
  OperationTypeNode,
  parse,
  parseType,
  print,
  visit,
  type ASTNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
  type SelectionNode,
  type ValueNode,
  type VariableDefinitionNode,
} from 'graphql';
import { CodedError } from '#platform/errors.ts';
import { allSelections, fragmentsOf, responseName } from '../../subscription-rules.ts';
import { subgraphOperation, type EventField, type SubgraphOperation } from '../subgraph-client.ts';

/** How the event of a subscription is asked for as an entity. */
export interface EntityOperation {
  /** Of the subscription's root field. */
  readonly fieldName: string;
  /** Under which a result holds the event. */
  readonly responseName: string;
  /** Asks for the one representation what the subscription selects of its event. */
  readonly operation: SubgraphOperation;
  /** Variables that the operation uses. */
  readonly variableNames: readonly string[];
  /** Response name within the entity that is there where the entity is of the type of the event. */
  readonly mark: string;
  /** An argument of the root field as text; null for one that is not given, or is neither a text nor a whole number, boolean or enum value. */
  readonly argumentOf: (name: string, variables: Readonly<Record<string, unknown>>) => string | null;
}

const known = new WeakMap<SubgraphOperation, EntityOperation>();

/** Made once for each operation. */
export function entityOperation(subscription: SubgraphOperation): EntityOperation {
  let made = known.get(subscription);
  if (!made) known.set(subscription, (made = make(subscription)));
  return made;
}

function make({ query, operationName, event }: SubgraphOperation): EntityOperation {
  const document = parse(query, { noLocation: true });
  const definition = getOperationAST(document, operationName);
  const fragments = fragmentsOf(document);
  const roots = definition ? allSelections(definition.selectionSet, fragments).filter(isField) : [];
  const [root] = roots;
  const selections = roots.flatMap(({ selectionSet }) => selectionSet?.selections ?? []);
  if (!definition || !root || !event || selections.length === 0)
    throw new CodedError('INTERNAL_SERVER_ERROR', 'The events of this subscription are no entities.');
  const used = reachable(selections, fragments);
  const variables = (definition.variableDefinitions ?? []).filter(isUsedIn([...selections, ...used]));
  const mark = unusedName(selections, fragments);
  const text = print(entityDocument(event.type, mark, selections, used, variables));
  return {
    fieldName: root.name.value,
    responseName: responseName(root),
    operation: subgraphOperation(text, undefined, 'query'),
    variableNames: variables.map(({ variable }) => variable.name.value),
    mark,
    argumentOf: argumentOf(definition, root, event.defaults),
  };
}

const isField = (node: SelectionNode): node is FieldNode => node.kind === Kind.FIELD;
const nameNode = (value: string) => ({ kind: Kind.NAME, value }) as const;
const variableNode = (name: string) => ({ kind: Kind.VARIABLE, name: nameNode(name) }) as const;

/** The planner names variables of clients so that none is called so. */
const REPRESENTATIONS = 'representations';

function entityDocument(
  eventType: string,
  mark: string,
  selections: readonly SelectionNode[],
  fragments: readonly FragmentDefinitionNode[],
  variables: readonly VariableDefinitionNode[],
): DocumentNode {
  const marked: FieldNode = { kind: Kind.FIELD, alias: nameNode(mark), name: nameNode('__typename') };
  const event: SelectionNode = {
    kind: Kind.INLINE_FRAGMENT,
    typeCondition: { kind: Kind.NAMED_TYPE, name: nameNode(eventType) },
    selectionSet: { kind: Kind.SELECTION_SET, selections: [marked, ...selections] },
  };
  const entities: FieldNode = {
    kind: Kind.FIELD,
    name: nameNode('_entities'),
    arguments: [
      { kind: Kind.ARGUMENT, name: nameNode(REPRESENTATIONS), value: variableNode(REPRESENTATIONS) },
    ],
    selectionSet: { kind: Kind.SELECTION_SET, selections: [event] },
  };
  const representations: VariableDefinitionNode = {
    kind: Kind.VARIABLE_DEFINITION,
    variable: variableNode(REPRESENTATIONS),
    type: parseType('[_Any!]!', { noLocation: true }),
  };
  const query: OperationDefinitionNode = {
    kind: Kind.OPERATION_DEFINITION,
    operation: OperationTypeNode.QUERY,
    variableDefinitions: [representations, ...variables],
    selectionSet: { kind: Kind.SELECTION_SET, selections: [entities] },
  };
  return { kind: Kind.DOCUMENT, definitions: [query, ...fragments] };
}

/** Fragments that these selections spread, directly or not. */
function reachable(
  selections: readonly ASTNode[],
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): FragmentDefinitionNode[] {
  const found = new Set<FragmentDefinitionNode>();
  const look = (node: ASTNode) =>
    visit(node, {
      FragmentSpread({ name }) {
        const fragment = fragments.get(name.value);
        if (!fragment || found.has(fragment)) return;
        found.add(fragment);
        look(fragment);
      },
    });
  selections.forEach(look);
  return [...found];
}

function isUsedIn(nodes: readonly ASTNode[]): (definition: VariableDefinitionNode) => boolean {
  const names = new Set<string>();
  for (const node of nodes) visit(node, { Variable: ({ name }) => void names.add(name.value) });
  return ({ variable }) => names.has(variable.name.value);
}

function unusedName(
  selections: readonly SelectionNode[],
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): string {
  const all = allSelections({ kind: Kind.SELECTION_SET, selections }, fragments);
  const used = new Set(all.filter(isField).map(responseName));
  let name = 'event__type';
  while (used.has(name)) name += '_';
  return name;
}

function argumentOf(
  definition: OperationDefinitionNode,
  root: FieldNode,
  standard: EventField['defaults'],
): EntityOperation['argumentOf'] {
  const given = new Map((root.arguments ?? []).map(({ name, value }) => [name.value, value]));
  const defaults = new Map(
    (definition.variableDefinitions ?? []).map(({ variable, defaultValue }) => [
      variable.name.value,
      defaultValue,
    ]),
  );
  return (name, variables) => {
    let node = given.get(name);
    if (node?.kind === Kind.VARIABLE) {
      const variable = node.name.value;
      if (Object.hasOwn(variables, variable) && variables[variable] !== undefined)
        return textOfValue(variables[variable]);
      node = defaults.get(variable);
    }
    return node ? textOfNode(node) : textOfValue(standard[name]);
  };
}

/** As it was written: a number may be an ID that no number can hold. */
function textOfNode(node: ValueNode): string | null {
  switch (node.kind) {
    case Kind.STRING:
    case Kind.INT:
    case Kind.ENUM:
      return node.value;
    case Kind.BOOLEAN:
      return String(node.value);
    default:
      return null;
  }
}

function textOfValue(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'boolean' || Number.isSafeInteger(value) ? String(value) : null;
}
