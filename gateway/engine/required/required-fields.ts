import {
  Kind,
  print,
  type ConstDirectiveNode,
  type DocumentNode,
  type FieldDefinitionNode,
  type FieldNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import {
  enumArgument,
  fieldSetOf,
  graphNames,
  REQUIRES,
  stringArgument,
  withString,
} from './join-directives.ts';
import { createVariants, isDefinition, type Definition, type Variants } from './variants.ts';

/**
 * What `@requires` need of fields that take arguments. The planner keeps one value per field and object, so that what the client asks for and what
 * two `@requires` ask for would be mixed up where their arguments differ. It is shown a supergraph in which each such need is a field of its
 * own, `r1__weight(unit: "LB")`; restore-plan.ts turns that into an alias of the real one.
 */
export interface RequiredFields {
  /** The supergraph as the planner sees it: the very one that was given where nothing had to be told apart. */
  readonly document: DocumentNode;
  /** Name for the planner → the field's own name. */
  readonly realNames: ReadonlyMap<string, string>;
  /** Undefined where the field requires nothing that takes arguments. */
  requirementOf(subgraph: string, type: string, field: string): Requirement | undefined;
}

/** What one field requires. */
export interface Requirement {
  readonly type: string;
  /** With the names for the planner. */
  readonly selectionSet: SelectionSetNode;
  /** Real path below `type` → what is read there. Fields whose texts for one path differ cannot share a representation. */
  readonly reads: ReadonlyMap<string, string>;
}

/** Reads `@join__field(requires:)` of every field. */
export function separateRequiredFields(supergraph: DocumentNode): RequiredFields {
  const definitions = supergraph.definitions.filter(isDefinition);
  const variants = createVariants(definitions);
  const graphs = graphNames(supergraph);
  const requirements = new Map<string, Requirement>();
  const separate = (type: string, field: FieldDefinitionNode, directive: ConstDirectiveNode) => {
    const fields = stringArgument(directive, REQUIRES);
    const requirement = fields === undefined ? undefined : readRequirement(variants, type, fields);
    if (!requirement) return directive;
    const graph = graphs.get(enumArgument(directive, 'graph') ?? '') ?? '';
    requirements.set(siteOf(graph, type, field.name.value), requirement);
    return withString(directive, REQUIRES, requirement.selectionSet.selections.map(print).join(' '));
  };
  const separated = new Map<unknown, Definition>();
  for (const definition of definitions) {
    const type = definition.name.value;
    const fields = definition.fields?.map((field) => ({
      ...field,
      directives: field.directives?.map((directive) => separate(type, field, directive)),
    }));
    separated.set(definition, { ...definition, fields });
  }
  const { realNames } = variants;
  const withVariants = (): DocumentNode => ({
    ...supergraph,
    definitions: supergraph.definitions.map((given) => {
      const definition = separated.get(given);
      return definition ? variants.addTo(definition) : given;
    }),
  });
  return {
    document: realNames.size === 0 ? supergraph : withVariants(),
    realNames,
    requirementOf: (subgraph, type, field) =>
      requirements.get(siteOf(subgraph, type, realNames.get(field) ?? field)),
  };
}

const siteOf = (subgraph: string, type: string, field: string) => `${subgraph} ${type}.${field}`;

/** Undefined where nothing takes arguments. */
function readRequirement(variants: Variants, type: string, fields: string): Requirement | undefined {
  const reads = new Map<string, string>();
  const inSet = (set: SelectionSetNode, parent: string, path: string): SelectionSetNode => ({
    ...set,
    selections: set.selections.map((node): SelectionNode => {
      if (node.kind === Kind.FIELD) return inField(node, parent, path);
      if (node.kind === Kind.FRAGMENT_SPREAD) throw new Error(`not a field set: ${fields}`);
      const on = node.typeCondition?.name.value ?? parent;
      return { ...node, selectionSet: inSet(node.selectionSet, on, path) };
    }),
  });
  const inField = (node: FieldNode, parent: string, above: string): FieldNode => {
    const path = `${above}.${node.name.value}`;
    const { type: below, hasArguments } = variants.fieldOf(parent, node.name.value);
    const field = { ...node, selectionSet: node.selectionSet && inSet(node.selectionSet, below, path) };
    if (!hasArguments) return field;
    const value = variants.nameOf(parent, node);
    reads.set(path, `${reads.get(path) ?? ''} ${parent}:${value}`);
    return { ...field, name: { kind: Kind.NAME, value } };
  };
  const selectionSet = inSet(fieldSetOf(fields), type, '');
  return reads.size === 0 ? undefined : { type, selectionSet, reads };
}
