import { GraphQLError, Kind, type DirectiveNode, type SelectionSetNode } from 'graphql';
import type { JsonObject } from '../plan/execution.ts';
import type { OperationAst } from '../projection/selection.ts';
import { UNAUTHORIZED } from './unauthorized.ts';

/** A field of an operation that its caller must not see. */
export interface WithheldPlace {
  /** Response names; items of lists have no part in it. */
  readonly path: readonly string[];
  /** The variables of `@skip` and `@include` around it, and what they have to be for it to be asked for. */
  readonly conditions: Conditions;
}

type Conditions = ReadonlyMap<string, boolean>;

/** More than that nobody wants to read of. */
const MAX_ERRORS = 20;

/** All of them, of an operation in which they are marked. */
export function withheldPlaces(ast: OperationAst): WithheldPlace[] {
  const { operation, fragments, withheld } = ast;
  const places: WithheldPlace[] = [];
  const isWorthwhile = fragmentsThatWithhold(ast);
  const walk = (set: SelectionSetNode, path: readonly string[], around: Conditions) => {
    for (const node of set.selections) {
      const conditions = conditionsOf(node.directives, around);
      if (!conditions) continue;
      if (node.kind === Kind.FIELD) {
        const inner = [...path, (node.alias ?? node.name).value];
        if (withheld?.has(node)) places.push({ path: inner, conditions });
        else if (node.selectionSet) walk(node.selectionSet, inner, conditions);
      } else if (node.kind === Kind.INLINE_FRAGMENT) walk(node.selectionSet, path, conditions);
      else {
        const fragment = fragments.get(node.name.value);
        if (fragment && isWorthwhile(fragment.name.value)) walk(fragment.selectionSet, path, conditions);
      }
    }
  };
  if (withheld) walk(operation.selectionSet, [], new Map());
  return places;
}

/** Tells of a named fragment whether anything in it is marked, so that the way through the others is not taken over and over. */
function fragmentsThatWithhold({ fragments, withheld }: OperationAst): (name: string) => boolean {
  const known = new Map<string, boolean>();
  const inSet = ({ selections }: SelectionSetNode): boolean =>
    selections.some((node) => {
      if (node.kind === Kind.FRAGMENT_SPREAD) return inFragment(node.name.value);
      if (node.kind === Kind.FIELD && withheld?.has(node)) return true;
      return node.selectionSet !== undefined && inSet(node.selectionSet);
    });
  const inFragment = (name: string): boolean => {
    const fragment = fragments.get(name);
    const holds = known.get(name) ?? (fragment !== undefined && inSet(fragment.selectionSet));
    known.set(name, holds);
    return holds;
  };
  return inFragment;
}

/** Null where they can never hold together. */
function conditionsOf(
  directives: readonly DirectiveNode[] | undefined,
  around: Conditions,
): Conditions | null {
  const conditions = new Map(around);
  for (const { name, arguments: given } of directives ?? []) {
    if (name.value !== 'skip' && name.value !== 'include') continue;
    const value = given?.[0]?.value;
    const wanted = name.value === 'include';
    if (value?.kind === Kind.BOOLEAN && value.value !== wanted) return null;
    if (value?.kind !== Kind.VARIABLE) continue;
    if (conditions.get(value.name.value) === !wanted) return null;
    conditions.set(value.name.value, wanted);
  }
  return conditions;
}

/** Errors of the places that are asked for under these variables, the first ones of the document. */
export function unauthorizedErrors(places: readonly WithheldPlace[], variables: JsonObject): GraphQLError[] {
  const asked = places.filter(({ conditions }) =>
    [...conditions].every(([name, wanted]) => variables[name] === wanted),
  );
  const paths = new Map(asked.map(({ path }) => [path.join('.'), path]));
  return [...paths.values()]
    .slice(0, MAX_ERRORS)
    .map((path) => new GraphQLError(UNAUTHORIZED.message, { path, extensions: UNAUTHORIZED.extensions }));
}
