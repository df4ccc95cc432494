import {
  Kind,
  print,
  visit,
  type ASTNode,
  type FieldNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { deferLabelOf } from './incremental/resolve-defers.ts';
import type { OperationAst } from './projection/selection.ts';

/**
 * The planner fetches what it needs itself (keys, `@requires`) under the plain field names, in the same objects as the client's fields. A
 * client's response name that equals such a name would mix the two up. Those of the client's fields therefore travel under a name of their
 * own: `c__name`. So do fields that share a response name but not name and arguments, which different types allow but which may come together
 * in one subgraph's interface object: `c1__name`, `c2__name`. What is required of fields that take arguments has a name of its own as well,
 * `r1__name`: see required/required-fields.ts.
 *
 * The mark is put before anything that has one already, so taking it off is exact.
 */
const MARK = /^(?:c\d*|r\d+)__/;

/** Names of `Object.prototype` would be found in objects that do not hold them; `__proto__` must not be written at all. */
const isInherited = (name: string) => name in Object.prototype;

/** Tells under which name a field of one operation travels in fetches and merged data. */
export interface PrivateNames {
  of(field: FieldNode): string;
}

const responseNameOf = ({ alias, name }: FieldNode) => alias?.value ?? name.value;

/** `fieldNames` are those of the supergraph; `document` is the operation with its fragments. */
export function createPrivateNames(fieldNames: ReadonlySet<string>, document: ASTNode): PrivateNames {
  const numbers = numbersOfVariants(document);
  const clashes = (responseName: string, name: string) =>
    MARK.test(responseName) ||
    isInherited(responseName) ||
    (responseName !== name && (fieldNames.has(responseName) || responseName.startsWith('__')));
  return {
    of(field) {
      const name = field.name.value;
      // The planner adds the plain one itself where a type is not certain.
      if (name === '__typename') return name;
      const responseName = responseNameOf(field);
      const number = numbers.get(responseName)?.get(signatureOf(field));
      if (number !== undefined) return `c${number}__${responseName}`;
      return clashes(responseName, name) ? `c__${responseName}` : responseName;
    },
  };
}

const signatureOf = (field: FieldNode) =>
  `${field.name.value}(${(field.arguments ?? []).map(print).sort().join(',')})`;

/** Response name → field name and arguments → number, for response names that stand for different things. */
function numbersOfVariants(document: ASTNode): Map<string, Map<string, number>> {
  const variants = new Map<string, Map<string, number>>();
  visit(document, {
    Field(field) {
      const responseName = responseNameOf(field);
      const numbers = variants.get(responseName) ?? new Map<string, number>();
      const signature = signatureOf(field);
      if (!numbers.has(signature)) numbers.set(signature, numbers.size + 1);
      variants.set(responseName, numbers);
    },
  });
  for (const [responseName, numbers] of variants) if (numbers.size === 1) variants.delete(responseName);
  return variants;
}

/** A variable that the planner might also introduce under that name. */
const isPlannersVariable = (name: string) =>
  MARK.test(name) || name === 'representations' || name.startsWith('contextualArgument_');

/** The name that one of the client's variables travels under. */
export const privateVariable = (name: string): string => (isPlannersVariable(name) ? `c__${name}` : name);

/**
 * The operation as the planner sees it. The client's own is left as it is.
 *
 * With `isConditional`, every object also gets an unconditional `__typename`: the planner leaves out the whole fetch of an object when all that
 * is selected of it is excluded, and a list of four empty objects would become null.
 */
export function withPrivateNames(
  { operation, fragments }: OperationAst,
  names: PrivateNames,
  isConditional: boolean,
): OperationAst {
  const renamed = <N extends ASTNode>(node: N): N => withNames(node, names, isConditional);
  const all = [...fragments].map(([name, fragment]) => [name, renamed(fragment)] as const);
  return { operation: renamed(operation), fragments: new Map(all) };
}

const withNames = <N extends ASTNode>(node: N, names: PrivateNames, isConditional: boolean): N =>
  visit(node, {
    Field: {
      leave(field) {
        const inner = names.of(field);
        const alias = inner === field.name.value ? undefined : ({ kind: Kind.NAME, value: inner } as const);
        const selectionSet = isConditional ? withTypeName(field.selectionSet) : field.selectionSet;
        return { ...field, alias, selectionSet };
      },
    },
    Variable(variable) {
      const value = privateVariable(variable.name.value);
      return value === variable.name.value ? undefined : { ...variable, name: { ...variable.name, value } };
    },
  });

const TYPE_NAME: FieldNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };

/** The planner does not look for the type of an interface object in what is deferred. */
const isDeferred = (node: SelectionNode) => deferLabelOf(node) !== undefined;

const isSure = (node: SelectionNode) => node.kind === Kind.FIELD && !node.directives?.length;

function withTypeName(set: SelectionSetNode | undefined): SelectionSetNode | undefined {
  if (!set || (set.selections.some(isSure) && !set.selections.some(isDeferred))) return set;
  return { ...set, selections: [TYPE_NAME, ...set.selections] };
}

/** The client's name behind one that travelled. */
export function publicName(name: string): string {
  return name.replace(MARK, '');
}
