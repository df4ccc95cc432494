import {
  Kind,
  visit,
  type ASTNode,
  type DirectiveNode,
  type FragmentDefinitionNode,
  type InlineFragmentNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { JsonObject } from '../plan/execution.ts';
import type { OperationAst } from '../projection/selection.ts';

/** An operation whose every `@defer` is unconditional and bears a label of its own. */
export interface DeferringAst {
  readonly ast: OperationAst;
  /** Label within the engine → the client's. Empty: under these variables nothing is deferred. */
  readonly labels: ReadonlyMap<string, string | undefined>;
}

const isDefer = ({ name }: DirectiveNode) => name.value === 'defer';

/** Every `@defer` of an operation and its fragments. */
export function defersOf({ operation, fragments }: OperationAst): DirectiveNode[] {
  const found: DirectiveNode[] = [];
  const collect = (node: ASTNode) =>
    visit(node, { Directive: (directive) => void (isDefer(directive) && found.push(directive)) });
  collect(operation);
  for (const fragment of fragments.values()) collect(fragment);
  return found;
}

/** Names of the variables that `@defer(if:)` reads. */
export function deferVariables(defers: readonly DirectiveNode[]): string[] {
  const values = defers.map((directive) => argumentOf(directive, 'if'));
  return [...new Set(values.flatMap((value) => (value?.kind === Kind.VARIABLE ? [value.name.value] : [])))];
}

const argumentOf = ({ arguments: given }: DirectiveNode, name: string) =>
  given?.find((argument) => argument.name.value === name)?.value;

/** The operation without any `@defer`: answered whole. */
export function withoutDefers({ operation, fragments }: OperationAst): OperationAst {
  const stripped = [...fragments].map(([name, fragment]) => [name, strip(fragment)] as const);
  return { operation: strip(operation), fragments: new Map(stripped) };
}

const strip = <T extends ASTNode>(node: T): T =>
  visit(node, { Directive: (directive) => (isDefer(directive) ? null : undefined) });

/**
 * Decides every condition, so that one plan serves one set of decisions: the planner would plan all combinations of the variables, two to the
 * power of their number. Fragments that defer are written out where they are spread, because each such place is delivered on its own.
 */
export function resolveDefers(ast: OperationAst, variables: JsonObject): DeferringAst {
  const labels = new Map<string, string | undefined>();
  const writeOut = createInliner(ast, variables, labels);
  const selectionSet = writeOut(ast.operation.selectionSet);
  return { ast: { ...ast, operation: { ...ast.operation, selectionSet } }, labels };
}

function createInliner(
  { fragments }: OperationAst,
  variables: JsonObject,
  labels: Map<string, string | undefined>,
): (set: SelectionSetNode) => SelectionSetNode {
  const deferring = fragmentsThatDefer(fragments);
  const inSet = (set: SelectionSetNode): SelectionSetNode => {
    const visited = new Set<string>();
    return { ...set, selections: set.selections.flatMap((node) => inSelection(node, visited)) };
  };
  const inFragment = (node: InlineFragmentNode): InlineFragmentNode => ({
    ...node,
    directives: node.directives?.flatMap((directive) => labelled(directive, variables, labels)),
    selectionSet: inSet(node.selectionSet),
  });
  const inSelection = (node: SelectionNode, visited: Set<string>): SelectionNode[] => {
    if (node.kind === Kind.FIELD)
      return [node.selectionSet ? { ...node, selectionSet: inSet(node.selectionSet) } : node];
    if (node.kind === Kind.INLINE_FRAGMENT) return [inFragment(node)];
    const name = node.name.value;
    const fragment = fragments.get(name);
    const isPlain = !node.directives?.length;
    if (!fragment || (!deferring.has(name) && !node.directives?.some(isDefer))) return [node];
    // The same fragment twice in one place is delivered once.
    if (isPlain && visited.has(name)) return [];
    if (isPlain) visited.add(name);
    const { typeCondition, selectionSet } = fragment;
    return [
      inFragment({ kind: Kind.INLINE_FRAGMENT, typeCondition, directives: node.directives, selectionSet }),
    ];
  };
  return inSet;
}

/** With an own label where it defers; nothing where its condition is false. */
function labelled(
  directive: DirectiveNode,
  variables: JsonObject,
  labels: Map<string, string | undefined>,
): DirectiveNode[] {
  if (!isDefer(directive)) return [directive];
  const condition = argumentOf(directive, 'if');
  const isOff =
    condition?.kind === Kind.VARIABLE
      ? variables[condition.name.value] !== true
      : condition?.kind === Kind.BOOLEAN && !condition.value;
  if (isOff) return [];
  const given = argumentOf(directive, 'label');
  const label = `d${labels.size + 1}`;
  labels.set(label, given?.kind === Kind.STRING ? given.value : undefined);
  const name = { kind: Kind.NAME, value: 'label' } as const;
  const value = { kind: Kind.STRING, value: label } as const;
  return [{ ...directive, arguments: [{ kind: Kind.ARGUMENT, name, value }] }];
}

/** Names of the fragments that defer something, themselves or by what they spread. */
function fragmentsThatDefer(fragments: ReadonlyMap<string, FragmentDefinitionNode>): ReadonlySet<string> {
  const names = new Set<string>();
  const defers = (fragment: FragmentDefinitionNode) => {
    let found = false;
    visit(fragment, {
      Directive: (directive) => void (found ||= isDefer(directive)),
      FragmentSpread: ({ name }) => void (found ||= names.has(name.value)),
    });
    return found;
  };
  for (let before = -1; before < names.size;) {
    before = names.size;
    for (const [name, fragment] of fragments) if (defers(fragment)) names.add(name);
  }
  return names;
}

/** The engine's label of a deferred selection; undefined for one that is not deferred. */
export function deferLabelOf({ directives }: SelectionNode): string | undefined {
  const directive = directives?.find(isDefer);
  const label = directive && argumentOf(directive, 'label');
  return label?.kind === Kind.STRING ? label.value : undefined;
}
