import type { ConstDirectiveNode, DocumentNode } from 'graphql';
import { booleanArgument, enumArgument, stringArgument } from './required/join-directives.ts';
import { isDefinition, type Definition } from './required/variants.ts';

/**
 * The supergraph without keys that are not `resolvable`, where the same subgraph has another one for the type: the planner takes the first key of a
 * subgraph to come back to it with what a `@requires` needs, usable or not. The very one that was given where there are none.
 */
export function withUsableKeys(supergraph: DocumentNode): DocumentNode {
  let isChanged = false;
  const definitions = supergraph.definitions.map((definition) => {
    if (!isDefinition(definition)) return definition;
    const directives = usable(definition);
    if (directives.length === definition.directives?.length) return definition;
    isChanged = true;
    return { ...definition, directives };
  });
  return isChanged ? { ...supergraph, definitions } : supergraph;
}

function usable({ directives = [] }: Definition): readonly ConstDirectiveNode[] {
  const withKey = new Set(directives.filter(isUsable).map(graphOf));
  return directives.filter(
    (directive) => !isKey(directive) || isUsable(directive) || !withKey.has(graphOf(directive)),
  );
}

const graphOf = (directive: ConstDirectiveNode) => enumArgument(directive, 'graph');

const isKey = (directive: ConstDirectiveNode) =>
  directive.name.value === 'join__type' && stringArgument(directive, 'key') !== undefined;

const isUsable = (directive: ConstDirectiveNode) =>
  isKey(directive) && booleanArgument(directive, 'resolvable') !== false;
