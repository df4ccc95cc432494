import type { ResponsePath } from '../plan/execution.ts';
import type { Inspection } from './inspection.ts';
import { addFact, factsAt, type Known, type Source } from './known.ts';
import { applies, overlap, type TypeNames } from './type-names.ts';

/** Objects that a plan has fetched by some time, all of one path. */
export interface Position {
  readonly types: ReadonlySet<string>;
  readonly sources: readonly Source[];
}

/** A step of a plan's path: a field, then only objects of `types`. Lists are no step: what is known is known of each element. */
export interface Step {
  readonly key: string;
  readonly types: TypeNames;
  /** As the path has them. */
  readonly parts: readonly string[];
}

/** Reads the planner's notation, as plan/flatten.ts does. */
export function stepsOf({ types }: Inspection, path: ResponsePath): Step[] {
  const steps: Step[] = [];
  for (const one of path) {
    const part = String(one);
    const [key = '', names] = part.split('|');
    const filter = names === undefined ? null : new Set(names.slice(1, -1).split(','));
    const last = steps.at(-1);
    if (key !== '@') steps.push({ key, types: filter, parts: [part] });
    else if (last) {
      const parts = [...last.parts, part];
      steps[steps.length - 1] = { key: last.key, types: types.meet(last.types, filter), parts };
    }
  }
  return steps;
}

/** Every object on the way, from the root down. */
export function positionsAt(
  inspection: Inspection,
  root: string,
  sources: readonly Source[],
  path: ResponsePath,
): Position[] {
  let here: Position = { types: new Set([root]), sources };
  const positions = [here];
  for (const step of stepsOf(inspection, path)) {
    here = below(here, step);
    positions.push(here);
  }
  return positions;
}

export function below({ types, sources }: Position, { key, types: filter }: Step): Position {
  const found = new Set<string>();
  const inner: Source[] = [];
  for (const { fact, under } of factsAt(sources, key)) {
    if (!overlap(fact.types, types)) continue;
    for (const name of fact.returns ?? []) if (applies(filter, name)) found.add(name);
    if (fact.inner) inner.push({ known: fact.inner, under });
  }
  return { types: found, sources: inner };
}

/** Where something at a path is added to, and the types of objects that the path leads to. */
export function placeAt(
  inspection: Inspection,
  root: Known,
  path: ResponsePath,
): { readonly known: Known; readonly types: TypeNames } {
  let known: Known = root;
  let types: TypeNames = null;
  for (const step of stepsOf(inspection, path)) {
    const fact = { types, conditions: [], what: null, returns: null, inner: new Map() };
    known = addFact(known, step.key, fact) ?? known;
    types = step.types;
  }
  return { known, types };
}
