import { Kind, parse, print, type DocumentNode, type FieldNode, type SelectionSetNode } from 'graphql';

/** What the `@requires` of a supergraph ask for. */
export interface RequiredFields {
  /** Names of fields that some `@requires` selects with arguments. */
  readonly withArguments: ReadonlySet<string>;
  /** `Type.field` → for every path below the type that it requires, the arguments there as text. */
  readonly byCoordinate: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** Reads `@join__field(requires:)` of every field. */
export function readRequiredFields(supergraph: DocumentNode): RequiredFields {
  const withArguments = new Set<string>();
  const byCoordinate = new Map<string, Map<string, string>>();
  for (const definition of supergraph.definitions) {
    if (
      definition.kind !== Kind.OBJECT_TYPE_DEFINITION &&
      definition.kind !== Kind.INTERFACE_TYPE_DEFINITION
    ) {
      continue;
    }
    for (const field of definition.fields ?? []) {
      const paths = new Map<string, string>();
      for (const text of requiresOf(field.directives ?? [])) {
        addPaths(selectionOf(text), '', paths, withArguments);
      }
      if (paths.size > 0) byCoordinate.set(`${definition.name.value}.${field.name.value}`, paths);
    }
  }
  return { withArguments, byCoordinate };
}

function requiresOf(directives: readonly { name: { value: string }; arguments?: FieldNode['arguments'] }[]) {
  return directives
    .filter(({ name }) => name.value === 'join__field')
    .flatMap((directive) => directive.arguments ?? [])
    .filter(({ name }) => name.value === 'requires')
    .flatMap(({ value }) => (value.kind === Kind.STRING ? [value.value] : []));
}

function selectionOf(text: string): SelectionSetNode {
  const [definition] = parse(`{ ${text} }`, { noLocation: true }).definitions;
  if (definition?.kind !== Kind.OPERATION_DEFINITION) throw new Error(`not a field set: ${text}`);
  return definition.selectionSet;
}

function addPaths(
  { selections }: SelectionSetNode,
  parent: string,
  paths: Map<string, string>,
  named: Set<string>,
) {
  for (const selection of selections) {
    if (selection.kind === Kind.INLINE_FRAGMENT) addPaths(selection.selectionSet, parent, paths, named);
    if (selection.kind !== Kind.FIELD) continue;
    const path = `${parent}.${selection.name.value}`;
    const given = (selection.arguments ?? []).map(print).sort().join(',');
    if (given) named.add(selection.name.value);
    paths.set(path, given);
    if (selection.selectionSet) addPaths(selection.selectionSet, path, paths, named);
  }
}
