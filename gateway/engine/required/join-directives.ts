import {
  Kind,
  parse,
  print,
  stripIgnoredCharacters,
  type ConstDirectiveNode,
  type DocumentNode,
  type SelectionSetNode,
} from 'graphql';

/** The argument of `@join__field` that holds what a field requires. */
export const REQUIRES = 'requires';

const argumentOf = (directive: ConstDirectiveNode, name: string) =>
  directive.arguments?.find((argument) => argument.name.value === name)?.value;

export function stringArgument(directive: ConstDirectiveNode, name: string): string | undefined {
  const value = argumentOf(directive, name);
  return value?.kind === Kind.STRING ? value.value : undefined;
}

export function enumArgument(directive: ConstDirectiveNode, name: string): string | undefined {
  const value = argumentOf(directive, name);
  return value?.kind === Kind.ENUM ? value.value : undefined;
}

export function booleanArgument(directive: ConstDirectiveNode, name: string): boolean | undefined {
  const value = argumentOf(directive, name);
  return value?.kind === Kind.BOOLEAN ? value.value : undefined;
}

/** The directive with another text for an argument that it has. */
export function withString(directive: ConstDirectiveNode, name: string, value: string): ConstDirectiveNode {
  const given = directive.arguments?.map((argument) =>
    argument.name.value === name ? { ...argument, value: { kind: Kind.STRING, value } as const } : argument,
  );
  return { ...directive, arguments: given };
}

/** Value of the enum `join__Graph` → name of the subgraph. */
export function graphNames({ definitions }: DocumentNode): ReadonlyMap<string, string> {
  const graphs = definitions.flatMap((definition) =>
    definition.kind === Kind.ENUM_TYPE_DEFINITION && definition.name.value === 'join__Graph'
      ? (definition.values ?? [])
      : [],
  );
  return new Map(
    graphs.flatMap(({ name, directives = [] }) =>
      directives.map((directive) => [name.value, stringArgument(directive, 'name') ?? ''] as const),
    ),
  );
}

export function fieldSetOf(text: string): SelectionSetNode {
  const [definition] = parse(`{ ${text} }`, { noLocation: true }).definitions;
  if (definition?.kind !== Kind.OPERATION_DEFINITION) throw new Error(`not a field set: ${text}`);
  return definition.selectionSet;
}

/** As `fieldSetOf` reads it. */
export const textOfSet = ({ selections }: SelectionSetNode): string =>
  selections.map((node) => stripIgnoredCharacters(print(node))).join(' ');
