import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isUnionType,
  Kind,
  type FieldNode,
  type GraphQLCompositeType,
  type GraphQLNamedType,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { deferLabelOf } from '../incremental/resolve-defers.ts';
import type { PrivateNames } from '../private-names.ts';
import type { OperationAst } from '../projection/selection.ts';
import { ALWAYS, both, conditionsOf, type Conditions } from './conditions.ts';
import type { Inspection } from './inspection.ts';
import { addFact, type Known } from './known.ts';
import { signatureOf, TYPE_NAME } from './signature.ts';
import { applies, type TypeNames } from './type-names.ts';

/** An operation whose fields travel under `names`. */
export interface NamedOperation {
  readonly ast: OperationAst;
  readonly names: PrivateNames;
}

interface Reading extends NamedOperation {
  readonly inspection: Inspection;
  /** Whether fragments that are put off count. */
  readonly withDeferred: boolean;
}

interface Target {
  readonly known: Known;
  /** Of the field above. */
  readonly type: GraphQLCompositeType;
  /** Of the fragment around, or `type`. */
  readonly parent: GraphQLCompositeType;
  readonly types: TypeNames;
  readonly conditions: Conditions;
}

/** What an operation asks of subgraphs, by the names under which it travels. */
export function readOperation(
  inspection: Inspection,
  operation: NamedOperation,
  withDeferred: boolean,
): Known {
  const known: Known = new Map();
  const type = inspection.schema.getRootType(operation.ast.operation.operation);
  const { selectionSet } = operation.ast.operation;
  if (type)
    readSet({ ...operation, inspection, withDeferred }, selectionSet, {
      ...{ known, type, parent: type, types: null, conditions: ALWAYS },
    });
  return known;
}

function readSet(reading: Reading, set: SelectionSetNode, target: Target): void {
  for (const node of set.selections) {
    if (!reading.withDeferred && deferLabelOf(node) !== undefined) continue;
    const own = conditionsOf(node);
    const conditions = own && both(target.conditions, own);
    if (!conditions) continue;
    if (node.kind === Kind.FIELD) readField(reading, node, { ...target, conditions });
    else readFragment(reading, node, { ...target, conditions });
  }
}

function readFragment(reading: Reading, node: Exclude<SelectionNode, FieldNode>, target: Target): void {
  const { ast, inspection } = reading;
  const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : ast.fragments.get(node.name.value);
  if (!fragment) return;
  const on = fragment.typeCondition?.name.value;
  if (on === undefined) return readSet(reading, fragment.selectionSet, target);
  const parent = inspection.schema.getType(on);
  if (!isCompositeType(parent)) return;
  if (parent === target.type) return readSet(reading, fragment.selectionSet, { ...target, parent });
  const types = inspection.types.meet(target.types, inspection.types.of(on));
  readSet(reading, fragment.selectionSet, { ...target, parent, types });
}

function askForType({ known, type, types, conditions }: Target): void {
  if (!isAbstractType(type)) return;
  addFact(known, TYPE_NAME, { types, conditions, what: TYPE_NAME, returns: null, inner: null });
}

function readField(reading: Reading, field: FieldNode, target: Target): void {
  const name = field.name.value;
  if (name === TYPE_NAME) return askForType(target);
  const { known, parent, types, conditions } = target;
  // Whether a fragment applies is only seen by the type.
  if (types !== null) askForType(target);
  const what = signatureOf(field);
  for (const { type, of } of returnedBy(reading.inspection, parent, name, types)) {
    const isComposite = isCompositeType(type) && field.selectionSet !== undefined;
    const fact = { types: of, conditions, what, returns: null, inner: isComposite ? new Map() : null };
    // What is selected a second time is added to what was selected at first.
    const inner = addFact(known, reading.names.of(field), fact);
    if (!inner || !isCompositeType(type) || !field.selectionSet) continue;
    const below = { known: inner, type, parent: type, types: null, conditions: ALWAYS };
    if (isUnionType(type)) askForType(below);
    readSet(reading, field.selectionSet, below);
  }
}

/** What a field leads to, and of which objects: those of an interface may say more narrowly than it does. Nothing for introspection, which is no subgraph's. */
function returnedBy(
  { schema, types: sets }: Inspection,
  parent: GraphQLCompositeType,
  name: string,
  types: TypeNames,
): readonly { readonly type: GraphQLNamedType; readonly of: TypeNames }[] {
  const definition = 'getFields' in parent ? parent.getFields()[name] : undefined;
  if (!definition) return [];
  const type = getNamedType(definition.type);
  if (!isInterfaceType(parent) || !isCompositeType(type)) return [{ type, of: types }];
  const objects = schema.getPossibleTypes(parent).filter((one) => applies(types, one.name));
  const byType = Map.groupBy(objects, (one) => getNamedType(one.getFields()[name]?.type ?? definition.type));
  const [only] = byType.keys();
  if (only && byType.size === 1) return [{ type: only, of: types }];
  return [...byType].map(([own, ones]) => ({
    type: own,
    of: sets.meet(types, new Set(ones.map((one) => one.name))),
  }));
}
