import {
  Kind,
  print,
  type FieldDefinitionNode,
  type FieldNode,
  type InterfaceTypeDefinitionNode,
  type ObjectTypeDefinitionNode,
  type TypeNode,
} from 'graphql';

export type Definition = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode;

export const isDefinition = (node: { kind: Kind }): node is Definition =>
  node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.INTERFACE_TYPE_DEFINITION;

/** Fields under further names: one name for each field and arguments. */
export interface Variants {
  /** Name of the variant → name of the field. */
  readonly realNames: ReadonlyMap<string, string>;
  fieldOf(type: string, field: string): { readonly type: string; readonly hasArguments: boolean };
  /** The name of the variant that has the arguments of `field`, which is selected of `types`. */
  nameOf(types: readonly string[], field: FieldNode): string;
  /** The definition with the variants that were named, each a copy of its field and resolved where that is. */
  addTo(definition: Definition): Definition;
}

export function createVariants(definitions: readonly Definition[]): Variants {
  const fields = new Map(
    definitions.map(({ name, fields: own = [] }) => [
      name.value,
      new Map(own.map((field) => [field.name.value, field])),
    ]),
  );
  const taken = new Set([...fields.values()].flatMap((own) => [...own.keys()]));
  const realNames = new Map<string, string>();
  const bySignature = new Map<string, string>();
  const namesByType = new Map<string, Set<string>>();
  /** An interface's field is one of everything that implements it. */
  const add = (type: string, name: string) => {
    const names = namesByType.get(type) ?? new Set();
    if (names.has(name)) return;
    namesByType.set(type, names.add(name));
    for (const { name: other, interfaces = [] } of definitions)
      if (interfaces.some((implemented) => implemented.name.value === type)) add(other.value, name);
  };
  const freeName = (name: string): string => {
    for (let number = realNames.size + 1; ; number++)
      if (!taken.has(`r${number}__${name}`)) return `r${number}__${name}`;
  };
  return {
    realNames,
    fieldOf(type, name) {
      const field = fields.get(type)?.get(name);
      return { type: field ? namedType(field.type) : type, hasArguments: Boolean(field?.arguments?.length) };
    },
    nameOf(types, field) {
      const real = field.name.value;
      const signature = `${real}(${(field.arguments ?? []).map(print).sort().join(',')})`;
      let name = bySignature.get(signature);
      if (name === undefined) {
        name = freeName(real);
        bySignature.set(signature, name);
        realNames.set(name, real);
      }
      for (const type of types) add(type, name);
      return name;
    },
    addTo(definition) {
      const names = [...(namesByType.get(definition.name.value) ?? [])];
      const copies = names.flatMap((name) => copyOf(definition, realNames.get(name), name) ?? []);
      return { ...definition, fields: [...(definition.fields ?? []), ...copies] };
    },
  };
}

function copyOf(
  { fields }: Definition,
  of: string | undefined,
  value: string,
): FieldDefinitionNode | undefined {
  const field = fields?.find(({ name }) => name.value === of);
  return field && { ...field, name: { kind: Kind.NAME, value } };
}

const namedType = (type: TypeNode): string =>
  type.kind === Kind.NAMED_TYPE ? type.name.value : namedType(type.type);
