import {
  baseType,
  FieldDefinition,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  possibleRuntimeTypes,
  type CompositeType,
  type Subgraph,
  type Supergraph,
} from '@apollo/federation-internals';
import type { GraphQLSchema, OperationTypeNode, SelectionSetNode } from 'graphql';
import { fieldSetOf } from '../required/join-directives.ts';
import { intersection } from './type-names.ts';

/** What one subgraph answers for, as the supergraph has it. */
export interface SubgraphRules {
  readonly name: string;
  /** Undefined where the subgraph does not know the type, or where it has no fields. */
  type(name: string): TypeRules | undefined;
  rootName(kind: OperationTypeNode): string | undefined;
}

export interface TypeRules {
  readonly name: string;
  readonly isObject: boolean;
  /** Types of the subgraph's own that its objects are of. */
  readonly own: readonly string[];
  /** Types of the supergraph that these stand for: all of an interface's where the subgraph knows it as an object. */
  readonly stands: ReadonlySet<string>;
  readonly isInterfaceObject: boolean;
  /** Those by which the subgraph can be asked for an entity. */
  readonly keys: readonly SelectionSetNode[];
  field(name: string): FieldRules | undefined;
}

export interface FieldRules {
  /** Named type. */
  readonly type: string;
  /**
   * Types of the supergraph that its values may be of; empty for a leaf. Whatever resolves a shared field answers the same, so they are no others
   * than all of the subgraphs that resolve it know there.
   */
  readonly stands: ReadonlySet<string>;
  readonly isExternal: boolean;
  /** It is resolved here only where the label holds, or (`holds: false`) does not hold. */
  readonly label: { readonly name: string; readonly holds: boolean } | null;
  readonly requires: SelectionSetNode | null;
  readonly provides: SelectionSetNode | null;
  readonly contexts: readonly ContextRule[];
}

/** An argument that the engine has to give. */
export interface ContextRule {
  readonly argument: string;
  readonly context: string;
  readonly selection: SelectionSetNode;
}

/** By name of the subgraph. Rules are read when they are asked for, and kept. */
export function createSubgraphRules(
  schema: GraphQLSchema,
  supergraph: Supergraph,
): (name: string) => SubgraphRules | undefined {
  const rules = new Map<string, SubgraphRules>();
  return (name) => {
    const known = rules.get(name);
    if (known) return known;
    const subgraphs = supergraph.subgraphs();
    const subgraph = subgraphs.get(name);
    if (!subgraph) return undefined;
    const all = subgraphs.values();
    const made = rulesOf({ schema, all, subgraph, labels: labelsOf(all, subgraph) });
    rules.set(name, made);
    return made;
  };
}

type Labels = ReadonlyMap<string, FieldRules['label']>;

/** What the rules of one subgraph are read from. */
interface Reading {
  /** The supergraph's, with all that is hidden from clients. */
  readonly schema: GraphQLSchema;
  readonly all: readonly Subgraph[];
  readonly subgraph: Subgraph;
  readonly labels: Labels;
}

/** Coordinate → the label of a progressive `@override` that gives or takes the field. */
function labelsOf(all: readonly Subgraph[], subgraph: Subgraph): Labels {
  const labels = new Map<string, FieldRules['label']>();
  for (const other of all)
    for (const application of other.metadata().overrideDirective().applications()) {
      const { from, label } = application.arguments();
      const { parent } = application;
      if (label === undefined || !(parent instanceof FieldDefinition)) continue;
      const { coordinate } = parent;
      if (other === subgraph) labels.set(coordinate, { name: label, holds: true });
      else if (from === subgraph.name) labels.set(coordinate, { name: label, holds: false });
    }
  return labels;
}

function rulesOf(reading: Reading): SubgraphRules {
  const { subgraph } = reading;
  const types = new Map<string, TypeRules | undefined>();
  const rootNames = new Map(
    subgraph.schema.schemaDefinition.roots().map(({ rootKind, type }) => [String(rootKind), type.name]),
  );
  return {
    name: subgraph.name,
    rootName: (kind) => rootNames.get(kind),
    type(name) {
      if (types.has(name)) return types.get(name);
      const type = subgraph.schema.type(name);
      const rules = type && isCompositeType(type) ? typeRules(reading, type) : undefined;
      // An unknown name may be anything; known ones are as many as the subgraph has types.
      if (rules) types.set(name, rules);
      return rules;
    },
  };
}

function typeRules(reading: Reading, type: CompositeType): TypeRules {
  const { schema, subgraph } = reading;
  const metadata = subgraph.metadata();
  const fields = new Map<string, FieldRules>();
  return {
    name: type.name,
    isObject: isObjectType(type),
    own: possibleRuntimeTypes(type).map(({ name }) => name),
    stands: standsOf(schema, subgraph, type),
    isInterfaceObject: metadata.isInterfaceObjectType(type),
    keys: type
      .appliedDirectivesOf(metadata.keyDirective())
      .map((application) => application.arguments())
      .filter(({ resolvable }) => resolvable !== false)
      .map(({ fields: text }) => fieldSetOf(String(text))),
    field(name) {
      const known = fields.get(name);
      if (known || !(isObjectType(type) || isInterfaceType(type))) return known;
      const field: FieldDefinition<CompositeType> | undefined = type.field(name);
      const rules = field && fieldRules(reading, field);
      if (rules) fields.set(name, rules);
      return rules;
    },
  };
}

function standsOf(schema: GraphQLSchema, subgraph: Subgraph, type: CompositeType): ReadonlySet<string> {
  const metadata = subgraph.metadata();
  const names = possibleRuntimeTypes(type).flatMap((one) => {
    const { name } = one;
    return metadata.isInterfaceObjectType(one) ? possibleNames(schema, name) : [name];
  });
  return new Set(names);
}

function possibleNames(schema: GraphQLSchema, name: string): string[] {
  const type = schema.getType(name);
  return type && 'resolveType' in type ? schema.getPossibleTypes(type).map((one) => one.name) : [name];
}

function fieldRules(reading: Reading, field: FieldDefinition<CompositeType>): FieldRules | undefined {
  const { subgraph, labels } = reading;
  const metadata = subgraph.metadata();
  if (!field.type) return undefined;
  const [requires] = field.appliedDirectivesOf(metadata.requiresDirective());
  const [provides] = field.appliedDirectivesOf(metadata.providesDirective());
  return {
    type: baseType(field.type).name,
    stands: commonTypes(reading, field),
    isExternal: metadata.isFieldExternal(field),
    label: labels.get(field.coordinate) ?? null,
    requires: requires ? fieldSetOf(String(requires.arguments().fields)) : null,
    provides: provides ? fieldSetOf(String(provides.arguments().fields)) : null,
    contexts: contextsOf(subgraph, field),
  };
}

const NONE: ReadonlySet<string> = new Set();

/** What the values of a field may be of wherever it is resolved. */
function commonTypes(
  { schema, all }: Reading,
  { parent, name }: FieldDefinition<CompositeType>,
): ReadonlySet<string> {
  const sets = all.flatMap((subgraph) => {
    const type = subgraph.schema.type(parent.name);
    if (!type || !(isObjectType(type) || isInterfaceType(type))) return [];
    const field: FieldDefinition<CompositeType> | undefined = type.field(name);
    if (!field?.type || subgraph.metadata().isFieldExternal(field)) return [];
    const value = baseType(field.type);
    return isCompositeType(value) ? [standsOf(schema, subgraph, value)] : [];
  });
  return sets.reduce(intersection, sets[0] ?? NONE);
}

/** As the subgraph writes it: `$context { field }`, or with fragments and without braces around them. */
const FROM_CONTEXT = /^\s*\$(\w+)\s*(.*)$/s;

function contextsOf(subgraph: Subgraph, field: FieldDefinition<CompositeType>): ContextRule[] {
  const { name } = subgraph.metadata().fromContextDirective();
  return field.arguments().flatMap((argument) =>
    argument.appliedDirectivesOf(name).flatMap((application): ContextRule[] => {
      const [, context, selection] = FROM_CONTEXT.exec(String(application.arguments()['field'])) ?? [];
      if (context === undefined || selection === undefined) return [];
      const inBraces = selection.trim().startsWith('{');
      const text = inBraces ? selection.trim().slice(1, -1) : selection;
      return [{ argument: argument.name, context, selection: fieldSetOf(text) }];
    }),
  );
}
