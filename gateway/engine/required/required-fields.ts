import {
  type ConstDirectiveNode,
  type DocumentNode,
  type FieldDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { contextTypes, separateContexts } from './contexts.ts';
import {
  enumArgument,
  fieldSetOf,
  graphNames,
  REQUIRES,
  stringArgument,
  textOfSet,
  withString,
} from './join-directives.ts';
import { separateSelection } from './separate-selection.ts';
import { createVariants, isDefinition, type Definition, type Variants } from './variants.ts';

/**
 * What `@requires` and contexts need of fields that take arguments. The planner keeps one value per field and object, so that what the client
 * asks for and what two `@requires` ask for would be mixed up where their arguments differ. It is shown a supergraph in which each such need is a field of its
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

/** Reads `@join__field(requires:, contextArguments:)` of every field. */
export function separateRequiredFields(supergraph: DocumentNode): RequiredFields {
  const definitions = supergraph.definitions.filter(isDefinition);
  const variants = createVariants(definitions);
  const graphs = graphNames(supergraph);
  const requirements = new Map<string, Requirement>();
  const contexts = contextTypes(supergraph);
  const separate = (type: string, field: FieldDefinitionNode, given: ConstDirectiveNode) => {
    const directive = separateContexts(variants, contexts, given);
    const fields = stringArgument(directive, REQUIRES);
    const requirement = fields === undefined ? undefined : readRequirement(variants, type, fields);
    if (!requirement) return directive;
    const graph = graphs.get(enumArgument(directive, 'graph') ?? '') ?? '';
    requirements.set(siteOf(graph, type, field.name.value), requirement);
    return withString(directive, REQUIRES, textOfSet(requirement.selectionSet));
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
  const { selectionSet, reads } = separateSelection(variants, [type], fieldSetOf(fields));
  return reads.size === 0 ? undefined : { type, selectionSet, reads };
}
