import {
  GraphQLError,
  Kind,
  type DocumentNode,
  type FragmentDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

/** What a document may cost before anything is planned. */
export interface OperationLimits {
  /** Lexical tokens of the whole document. */
  readonly maxTokens: number;
  /** Fields below each other, fragments expanded. */
  readonly maxDepth: number;
  /** Aliased fields, fragments expanded. */
  readonly maxAliases: number;
  /** Fields, fragments expanded: planning cost grows with them. */
  readonly maxFields: number;
}

export const DEFAULT_LIMITS: OperationLimits = {
  maxTokens: 15_000,
  maxDepth: 25,
  maxAliases: 500,
  maxFields: 10_000,
};

interface Size {
  readonly depth: number;
  readonly aliases: number;
  readonly fields: number;
}

const NONE: Size = { depth: 0, aliases: 0, fields: 0 };

/** Errors for the limits that a document breaks. Fragments are measured once each, so the check is linear in the document. */
export function checkLimits(document: DocumentNode, limits: OperationLimits): GraphQLError[] {
  const measure = createMeasure(document);
  let size = NONE;
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) size = widest(size, measure(definition.selectionSet));
  }
  const broken = [
    size.depth > limits.maxDepth && `is nested deeper than ${limits.maxDepth} levels`,
    size.aliases > limits.maxAliases && `has more than ${limits.maxAliases} aliases`,
    size.fields > limits.maxFields && `has more than ${limits.maxFields} fields`,
  ].filter((text) => text !== false);
  return broken.map(
    (text) =>
      new GraphQLError(`The operation ${text}.`, { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }),
  );
}

const widest = (a: Size, b: Size): Size => ({
  depth: Math.max(a.depth, b.depth),
  aliases: Math.max(a.aliases, b.aliases),
  fields: Math.max(a.fields, b.fields),
});

function createMeasure(document: DocumentNode): (set: SelectionSetNode) => Size {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const measured = new Map<string, Size>();
  const measureFragment = (name: string): Size => {
    const known = measured.get(name);
    if (known) return known;
    // A fragment that spreads itself is refused by validation; here it must merely not loop.
    measured.set(name, NONE);
    const fragment = fragments.get(name);
    const size = fragment ? measure(fragment.selectionSet) : NONE;
    measured.set(name, size);
    return size;
  };
  const measure = ({ selections }: SelectionSetNode): Size => {
    let { depth, aliases, fields } = NONE;
    for (const selection of selections) {
      const isField = selection.kind === Kind.FIELD;
      const inner =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? measureFragment(selection.name.value)
          : selection.selectionSet
            ? measure(selection.selectionSet)
            : NONE;
      depth = Math.max(depth, inner.depth + (isField ? 1 : 0));
      aliases += inner.aliases + (isField && selection.alias ? 1 : 0);
      fields += inner.fields + (isField ? 1 : 0);
    }
    return { depth, aliases, fields };
  };
  return measure;
}
