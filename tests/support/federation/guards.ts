import {
  getNamedType,
  isAbstractType,
  isObjectType,
  Kind,
  parse,
  print,
  TypeInfo,
  visit,
  visitWithTypeInfo,
  type ConstDirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  type InlineFragmentNode,
} from 'graphql';
import { chance, type Random } from './random-choice.ts';

/** A supergraph some parts of which are `@authenticated`. */
export interface Guarded {
  readonly sdl: string;
  /** Names of types, and `Type.field`. */
  readonly guards: ReadonlySet<string>;
}

const GUARD: ConstDirectiveNode = {
  kind: Kind.DIRECTIVE,
  name: { kind: Kind.NAME, value: 'authenticated' },
};
const DEFINITION = 'directive @authenticated on FIELD_DEFINITION | OBJECT | ENUM';
const LINK = 'schema @link(url: "https://specs.apollo.dev/authenticated/v0.1", for: SECURITY)';

/** Guards object types, their fields, and enums at random; interfaces stay as they are. */
export function guardAtRandom(random: Random, sdl: string): Guarded {
  const guards = new Set<string>();
  const guarded = (coordinate: string, probability: number) => {
    if (!chance(random, probability)) return [];
    guards.add(coordinate);
    return [GUARD];
  };
  const isOwn = (name: string) => name.includes('__');
  const document = visit(parse(sdl), {
    ObjectTypeDefinition(type) {
      const name = type.name.value;
      const isRoot = name === 'Query' || name === 'Mutation';
      return {
        ...type,
        directives: [...(type.directives ?? []), ...(isRoot ? [] : guarded(name, 0.1))],
        fields: type.fields?.map((field) => ({
          ...field,
          directives: [...(field.directives ?? []), ...guarded(`${name}.${field.name.value}`, 0.15)],
        })),
      };
    },
    EnumTypeDefinition: (type) =>
      isOwn(type.name.value)
        ? undefined
        : { ...type, directives: [...(type.directives ?? []), ...guarded(type.name.value, 0.1)] },
  });
  return { sdl: `${print(document).replace(/^schema/m, LINK)}\n${DEFINITION}`, guards };
}

/** The same operation without named fragments: each place has nodes of its own. */
export function inlined(document: DocumentNode): DocumentNode {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  const inline = (text: DocumentNode): DocumentNode =>
    visit(text, {
      FragmentSpread({ name, directives }): InlineFragmentNode | undefined {
        const fragment = fragments.get(name.value);
        if (!fragment) return undefined;
        const { typeCondition, selectionSet } = fragment;
        return { kind: Kind.INLINE_FRAGMENT, typeCondition, directives, selectionSet };
      },
    });
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  let text = print({ ...document, definitions: operations });
  while (/\.\.\.\w/.test(text)) text = print(inline(parse(text)));
  return parse(text);
}

/** The fields that must not be seen, by nobody who is not signed in, of an operation without named fragments. */
export function hiddenFields(
  schema: GraphQLSchema,
  guards: ReadonlySet<string>,
  document: DocumentNode,
): ReadonlySet<FieldNode> {
  const hidden = new Set<FieldNode>();
  const types = new TypeInfo(schema);
  let around = 0;
  const isGuarded = (field: string) => {
    const parent = types.getParentType();
    if (!parent) return false;
    const objects = isAbstractType(parent) ? schema.getPossibleTypes(parent).filter(isObjectType) : [];
    return [parent, ...objects].some((type) => {
      const definition = 'getFields' in type ? type.getFields()[field] : undefined;
      const value = definition ? getNamedType(definition.type).name : '';
      return [type.name, `${type.name}.${field}`, value].some((coordinate) => guards.has(coordinate));
    });
  };
  visit(
    document,
    visitWithTypeInfo(types, {
      Field: {
        enter(node) {
          if (node.name.value.startsWith('__')) return;
          if (around > 0 || isGuarded(node.name.value)) hidden.add(node);
          if (hidden.has(node)) around += 1;
        },
        leave: (node) => void (hidden.has(node) && (around -= 1)),
      },
    }),
  );
  return hidden;
}

/**
 * `Type.field` of every field that a request to a subgraph asks for. Of an interface only its own: it may stand for objects of one type, which the
 * subgraph does not know.
 */
export function fieldsAskedFor(schema: GraphQLSchema, query: string): Set<string> {
  const asked = new Set<string>();
  const types = new TypeInfo(schema);
  const Field = ({ name }: FieldNode) => void asked.add(`${types.getParentType()?.name}.${name.value}`);
  visit(parse(query), visitWithTypeInfo(types, { Field }));
  return asked;
}

/** Those of the guarded fields that no subgraph needs of another one, be it as key, by `@requires` or from a context. */
export function neededByNobody(
  guards: ReadonlySet<string>,
  sdls: Readonly<Record<string, string>>,
): ReadonlySet<string> {
  const needed = new Set<string>();
  const names = new Set(['id', 'pair', 'a', 'b', 'shared']);
  for (const text of Object.values(sdls)) {
    for (const [, selection = ''] of text.matchAll(/@fromContext\(field: "([^"]*)/g))
      for (const [name] of selection.matchAll(/\w+/g)) names.add(name);
    visit(parse(text), {
      enter(node) {
        if (!('fields' in node) || !('name' in node)) return;
        for (const field of node.fields ?? [])
          if (field.directives?.some(({ name }) => name.value === 'external'))
            needed.add(`${node.name?.value}.${field.name.value}`);
      },
    });
  }
  const isFree = (coordinate: string) => {
    const [, field] = coordinate.split('.');
    return field !== undefined && !names.has(field) && !needed.has(coordinate);
  };
  return new Set([...guards].filter(isFree));
}
