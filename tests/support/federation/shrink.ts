import {
  Kind,
  parse,
  print,
  validate,
  visit,
  type ASTNode,
  type DocumentNode,
  type GraphQLSchema,
  type InlineFragmentNode,
  type SelectionNode,
} from 'graphql';

/**
 * The smallest operation found that still fails: drops selections, arguments, aliases and directives and unwraps fragments, one at a time, as long
 * as `fails` says yes to what is left.
 */
export async function shrink(
  schema: GraphQLSchema,
  text: string,
  fails: (text: string) => Promise<boolean>,
): Promise<string> {
  let smallest = print(parse(text));
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false;
    for (const candidate of candidates(parse(smallest))) {
      const shorter = print(candidate);
      if (shorter.length >= smallest.length) continue;
      if (validate(schema, candidate).length > 0 || !(await fails(shorter))) continue;
      smallest = shorter;
      isSmaller = true;
      break;
    }
  }
  return smallest;
}

/** Every document that is one step smaller. */
function* candidates(document: DocumentNode): Generator<DocumentNode> {
  let count = 0;
  visit(document, { enter: (node) => void (isDroppable(node) && (count += 1)) });
  for (let index = 0; index < count; index++) {
    yield change(document, index, () => null);
    yield change(document, index, unwrapped);
  }
}

const isDroppable = ({ kind }: ASTNode) =>
  kind === Kind.FIELD ||
  kind === Kind.INLINE_FRAGMENT ||
  kind === Kind.ARGUMENT ||
  kind === Kind.DIRECTIVE ||
  kind === Kind.VARIABLE_DEFINITION;

function change(document: DocumentNode, index: number, by: (node: ASTNode) => unknown): DocumentNode {
  let seen = -1;
  const changed: DocumentNode = visit(document, {
    enter(node) {
      if (!isDroppable(node)) return undefined;
      seen += 1;
      return seen === index ? by(node) : undefined;
    },
  });
  return visit(changed, {
    SelectionSet: {
      leave(set) {
        const selections = set.selections.flatMap((node) =>
          isPlain(node) ? node.selectionSet.selections : [node],
        );
        // A selection that lost all it had would not print as GraphQL.
        return { ...set, selections: selections.length > 0 ? selections : [TYPE_NAME] };
      },
    },
  });
}

const isPlain = (node: SelectionNode): node is InlineFragmentNode =>
  node.kind === Kind.INLINE_FRAGMENT && !node.typeCondition && !node.directives?.length;

const TYPE_NAME = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } } as const;

/** A field without its alias, a fragment without its condition. */
function unwrapped(node: ASTNode): unknown {
  if (node.kind === Kind.FIELD) return node.alias ? { ...node, alias: undefined } : undefined;
  if (node.kind === Kind.INLINE_FRAGMENT)
    return node.typeCondition ? { ...node, typeCondition: undefined } : undefined;
  return undefined;
}
