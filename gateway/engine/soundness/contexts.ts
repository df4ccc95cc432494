import type { FetchNode } from '@apollo/query-planner';
import { Kind, type FieldNode, type SelectionSetNode } from 'graphql';
import { FRAGMENT_PREFIX } from '../plan/type-sets.ts';
import { allOf, SURELY, type Alternatives } from './conditions.ts';
import { lookUp } from './inputs.ts';
import type { Inspection } from './inspection.ts';
import type { Position } from './positions.ts';
import { isContextVariable, signatureOf } from './signature.ts';
import type { ContextRule } from './subgraph-rules.ts';

type Rewrite = NonNullable<FetchNode['contextRewrites']>[number];

/** When a field's arguments get what their contexts select; never where the fetch does not read them. */
export type WhenInContext = (field: FieldNode, contexts: readonly ContextRule[]) => Alternatives;

/** `positions` are those from the root down to the entities of the fetch. */
export function createContexts(
  inspection: Inspection,
  positions: readonly Position[],
  rewrites: readonly Rewrite[],
): WhenInContext {
  return (field, contexts) =>
    contexts.reduce<Alternatives>((when, context) => {
      const value = field.arguments?.find(({ name }) => name.value === context.argument)?.value;
      const variable = value?.kind === Kind.VARIABLE ? value.name.value : '';
      const own = rewrites.filter(({ renameKeyTo }) => renameKeyTo === variable);
      return allOf(
        when,
        isContextVariable(variable) ? whenContextKnown(inspection, positions, own, context) : [],
      );
    }, SURELY);
}

/** Several types may set one context: each rewrite is for some of them. */
function whenContextKnown(
  inspection: Inspection,
  positions: readonly Position[],
  rewrites: readonly Rewrite[],
  { context, selection }: ContextRule,
): Alternatives {
  let when = SURELY;
  let isSet = false;
  for (const { path } of rewrites) {
    const up = path.findIndex((part) => part !== '..');
    const above = positions[positions.length - 1 - up];
    if (!above) continue;
    const rest = path.slice(up);
    for (const type of typesAt(inspection, above.types, rest)) {
      isSet = true;
      when = allOf(when, whenRead(inspection, { ...above, type, selection }, rest, context));
    }
  }
  if (isSet) return when;
  inspection.doubt(`nothing sets the context ${context} above`);
  return [];
}

/** Those of the types that a path's first fragments leave. */
function typesAt({ types }: Inspection, given: ReadonlySet<string>, path: readonly string[]): string[] {
  const first = path.findIndex((part) => !part.startsWith(FRAGMENT_PREFIX));
  const filters = path.slice(0, first).map((part) => types.of(part.slice(FRAGMENT_PREFIX.length)));
  return [...given].filter((name) => filters.every((filter) => filter.has(name)));
}

interface Reader extends Pick<Position, 'sources'> {
  readonly type: string;
  readonly selection: SelectionSetNode;
}

function whenRead(
  inspection: Inspection,
  { type, sources, selection }: Reader,
  path: readonly string[],
  context: string,
): Alternatives {
  const index = path.findIndex((part) => !part.startsWith(FRAGMENT_PREFIX));
  const key = path[index];
  const field = fieldOf(inspection, selection, type);
  if (key === undefined || !field) return [];
  const {
    alternatives,
    sources: below,
    returns,
    others,
  } = lookUp({ type, sources }, key, signatureOf(field));
  if (others.length > 0 || alternatives.length === 0) {
    inspection.doubt(`the context ${context} is read before ${type}.${field.name.value} is known`);
    return [];
  }
  const inner = field.selectionSet;
  if (!inner) return alternatives;
  const rest = path.slice(index + 1);
  return typesAt(inspection, returns, rest)
    .map((name) => whenRead(inspection, { type: name, sources: below, selection: inner }, rest, context))
    .reduce(allOf, alternatives);
}

/** What a context's selection reads of objects of `type`: one field. */
function fieldOf(inspection: Inspection, set: SelectionSetNode, type: string): FieldNode | undefined {
  for (const node of set.selections) {
    if (node.kind === Kind.FIELD) return node;
    if (node.kind === Kind.FRAGMENT_SPREAD) continue;
    const on = node.typeCondition?.name.value;
    const field =
      on === undefined || inspection.types.of(on).has(type)
        ? fieldOf(inspection, node.selectionSet, type)
        : undefined;
    if (field) return field;
  }
  return undefined;
}
