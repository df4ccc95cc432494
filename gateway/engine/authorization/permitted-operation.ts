import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  Kind,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLSchema,
  type InlineFragmentNode,
  type NamedTypeNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { OperationAst } from '../projection/selection.ts';
import type { Authorization } from './authorization.ts';
import type { Requirement } from './requirements.ts';
import { createWithholding, introspects, type Withholding } from './withholding.ts';

/** An operation for callers who do not meet some requirements. */
export interface PermittedOperation {
  /** What may be fetched; null where nothing is left. */
  readonly planned: OperationAst | null;
  /** The client's operation, in which the fields are marked that it must not see. */
  readonly shown: OperationAst;
}

export interface Restriction {
  readonly authorization: Authorization | null;
  /** That of the clients. */
  readonly schema: GraphQLSchema;
  readonly unmet: ReadonlySet<Requirement>;
}

/** Takes out of an operation the fields and fragments that demand any of `unmet`. Introspection, `__typename` included, demands nothing. */
export function permittedOperation(restriction: Restriction, ast: OperationAst): PermittedOperation {
  const { authorization, schema, unmet } = restriction;
  const { operation, fragments } = ast;
  const root = schema.getRootType(operation.operation);
  if (!authorization || unmet.size === 0 || !root) return { planned: ast, shown: ast };
  const isUnmet = (requirements: readonly Requirement[]) => requirements.some((one) => unmet.has(one));
  const withholding = createWithholding(fragments);
  const work: Division = {
    isRefused: ({ typeCondition }) =>
      typeCondition !== undefined && isUnmet(authorization.ofType(typeCondition.name.value)),
    isWithheld: (parent, name) => isUnmet(authorization.ofField(parent, name)),
    typeOf: (condition) => compositeOf(schema, condition),
    withholding,
    given: fragments,
    planned: new Map(),
    shown: new Map(),
  };
  const { planned, shown } = divide(work, operation.selectionSet, root);
  const { withheld } = withholding;
  if (withheld.size === 0) return { planned: ast, shown: ast };
  return {
    planned: planned && { operation: { ...operation, selectionSet: planned }, fragments: work.planned },
    shown: { operation: { ...operation, selectionSet: shown }, fragments: work.shown, withheld },
  };
}

/** One operation on its way to be divided. */
interface Division {
  readonly isRefused: (fragment: Pick<InlineFragmentNode, 'typeCondition'>) => boolean;
  readonly isWithheld: (parent: GraphQLCompositeType, field: string) => boolean;
  readonly typeOf: (condition: NamedTypeNode | undefined) => GraphQLCompositeType | undefined;
  readonly withholding: Withholding;
  readonly given: OperationAst['fragments'];
  /** Fragments of which something may be fetched. */
  readonly planned: Map<string, FragmentDefinitionNode>;
  readonly shown: Map<string, FragmentDefinitionNode>;
}

/** Null: there is nothing to fetch. */
interface Divided<T> {
  readonly planned: T | null;
  readonly shown: T;
}

const TYPE_NAME: FieldNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };
/** Whether an object is there is to be told, though nothing may be seen of it. */
const EXISTENCE: SelectionSetNode = { kind: Kind.SELECTION_SET, selections: [TYPE_NAME] };

function divide(
  work: Division,
  set: SelectionSetNode,
  parent: GraphQLCompositeType,
): Divided<SelectionSetNode> {
  const divided = set.selections.map((node) => divideSelection(work, node, parent));
  // What is withheld of objects of one type is reported of those alone.
  const isTypeAsked = isAbstractType(parent) && divided.some(isFragmentWithheld);
  const planned = [...divided.flatMap((part) => part.planned ?? []), ...(isTypeAsked ? [TYPE_NAME] : [])];
  return {
    planned: planned.length > 0 ? { ...set, selections: planned } : null,
    shown: { ...set, selections: divided.map(({ shown }) => shown) },
  };
}

const isFragmentWithheld = ({ planned, shown }: Divided<SelectionNode>) =>
  planned === null && shown.kind !== Kind.FIELD;

function divideSelection(
  work: Division,
  node: SelectionNode,
  parent: GraphQLCompositeType,
): Divided<SelectionNode> {
  if (node.kind === Kind.FIELD) return divideField(work, node, parent);
  const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : work.given.get(node.name.value);
  if (fragment && work.isRefused(fragment)) return { planned: null, shown: work.withholding.selection(node) };
  if (node.kind === Kind.FRAGMENT_SPREAD)
    return { planned: isPlanned(work, node.name.value) ? node : null, shown: node };
  const type = work.typeOf(node.typeCondition) ?? parent;
  const { planned, shown } = divide(work, node.selectionSet, type);
  return {
    planned: planned && { ...node, selectionSet: planned },
    shown: { ...node, selectionSet: shown },
  };
}

function divideField(work: Division, node: FieldNode, parent: GraphQLCompositeType): Divided<FieldNode> {
  if (introspects(node)) return { planned: node, shown: node };
  const name = node.name.value;
  if (work.isWithheld(parent, name)) return { planned: null, shown: work.withholding.field(node) };
  const field = 'getFields' in parent ? parent.getFields()[name] : undefined;
  const type = field && getNamedType(field.type);
  if (!node.selectionSet || !isCompositeType(type)) return { planned: node, shown: node };
  const { planned, shown } = divide(work, node.selectionSet, type);
  return {
    planned: { ...node, selectionSet: planned ?? EXISTENCE },
    shown: { ...node, selectionSet: shown },
  };
}

/** Whether anything of a named fragment may be fetched. None contains itself: the document was validated. */
function isPlanned(work: Division, name: string): boolean {
  const fragment = work.given.get(name);
  const type = work.typeOf(fragment?.typeCondition);
  if (fragment && type && !work.shown.has(name)) {
    const { planned, shown } = divide(work, fragment.selectionSet, type);
    work.shown.set(name, { ...fragment, selectionSet: shown });
    if (planned) work.planned.set(name, { ...fragment, selectionSet: planned });
  }
  return work.planned.has(name);
}

function compositeOf(
  schema: GraphQLSchema,
  condition: NamedTypeNode | undefined,
): GraphQLCompositeType | undefined {
  const type = condition && schema.getType(condition.name.value);
  return isCompositeType(type) ? type : undefined;
}
