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
    const made = rulesOf(schema, subgraph, labelsOf(subgraphs.values(), subgraph));
    rules.set(name, made);
    return made;
  };
}

type Labels = ReadonlyMap<string, FieldRules['label']>;

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

function rulesOf(schema: GraphQLSchema, subgraph: Subgraph, labels: Labels): SubgraphRules {
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
      const rules = type && isCompositeType(type) ? typeRules(schema, subgraph, labels, type) : undefined;
      // An unknown name may be anything; known ones are as many as the subgraph has types.
      if (rules) types.set(name, rules);
      return rules;
    },
  };
}

function typeRules(
  schema: GraphQLSchema,
  subgraph: Subgraph,
  labels: Labels,
  type: CompositeType,
): TypeRules {
  const metadata = subgraph.metadata();
  const fields = new Map<string, FieldRules>();
  const own = possibleRuntimeTypes(type);
  const isInterfaceObject = (name: string) => {
    const one = subgraph.schema.type(name);
    return one !== undefined && metadata.isInterfaceObjectType(one);
  };
  return {
    name: type.name,
    isObject: isObjectType(type),
    own: own.map(({ name }) => name),
    stands: new Set(
      own.flatMap(({ name }) => (isInterfaceObject(name) ? possibleNames(schema, name) : [name])),
    ),
    isInterfaceObject: isInterfaceObject(type.name),
    keys: type
      .appliedDirectivesOf(metadata.keyDirective())
      .map((application) => application.arguments())
      .filter(({ resolvable }) => resolvable !== false)
      .map(({ fields: text }) => fieldSetOf(String(text))),
    field(name) {
      const known = fields.get(name);
      if (known || !(isObjectType(type) || isInterfaceType(type))) return known;
      const field: FieldDefinition<CompositeType> | undefined = type.field(name);
      const rules = field && fieldRules(subgraph, labels, field);
      if (rules) fields.set(name, rules);
      return rules;
    },
  };
}

function possibleNames(schema: GraphQLSchema, name: string): string[] {
  const type = schema.getType(name);
  return type && 'resolveType' in type ? schema.getPossibleTypes(type).map((one) => one.name) : [name];
}

function fieldRules(
  subgraph: Subgraph,
  labels: Labels,
  field: FieldDefinition<CompositeType>,
): FieldRules | undefined {
  const metadata = subgraph.metadata();
  if (!field.type) return undefined;
  const [requires] = field.appliedDirectivesOf(metadata.requiresDirective());
  const [provides] = field.appliedDirectivesOf(metadata.providesDirective());
  return {
    type: baseType(field.type).name,
    isExternal: metadata.isFieldExternal(field),
    label: labels.get(field.coordinate) ?? null,
    requires: requires ? fieldSetOf(String(requires.arguments().fields)) : null,
    provides: provides ? fieldSetOf(String(provides.arguments().fields)) : null,
    contexts: contextsOf(subgraph, field),
  };
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
