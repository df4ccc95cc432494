import type { ResponsePath } from '../plan/execution.ts';
import type { Inspection } from './inspection.ts';
import { factsAt, type Source } from './known.ts';
import { below, stepsOf, type Position, type Step } from './positions.ts';
import type { Surplus } from './surplus.ts';
import { applies } from './type-names.ts';

/** Some of the objects at a path: those that stand below objects of some types, or are of some types themselves. */
export interface Variant {
  /** To these alone. */
  readonly path: ResponsePath;
  /** What a fetch asks beyond what is wanted of them; null where nobody wants them at all. */
  readonly surplus: Surplus | null;
}

/** What a path is looked at with. */
export interface Looking {
  readonly inspection: Inspection;
  /** Whether a fetch asks for objects of `type`. */
  readonly asksFor: (type: string) => boolean;
  /** What it asks of them beyond that. */
  readonly surplusOf: (type: string, wanted: readonly Source[]) => Surplus;
  /** Names that objects of a type may bear before they bear its own. */
  readonly untoldNames: (type: string) => readonly string[];
}

/** What is left of a path, for objects of `types`; null: of all there are. */
interface Branch extends Variant {
  readonly types: readonly string[] | null;
}

/** Objects on the way, and what is wanted of them. */
interface Here extends Position {
  readonly wanted: readonly Source[];
}

/** The objects at a path, those of which not the same is wanted apart. `here`: the root. */
export const variantsAt = (looking: Looking, here: Here, path: ResponsePath): readonly Variant[] =>
  branchesAt(looking, here, stepsOf(looking.inspection, path));

function branchesAt(looking: Looking, here: Here, steps: readonly Step[]): readonly Branch[] {
  const [step, ...rest] = steps;
  const groups = step ? groupsAt(here, step) : [...here.types].filter(looking.asksFor).map((name) => [name]);
  const branches: { types: string[]; variants: readonly Variant[] }[] = [];
  for (const types of groups) {
    const variants = step
      ? variantsBelow(looking, here, types, step, rest)
      : ownVariant(looking, here, types);
    const same = branches.find((one) => areSame(one.variants, variants));
    if (same) same.types.push(...types);
    else branches.push({ types, variants });
  }
  return branches.flatMap(({ types, variants }) =>
    variants.map((one) => ({ ...one, types: branches.length === 1 ? null : types })),
  );
}

const ownVariant = ({ surplusOf }: Looking, { wanted }: Here, [type = '']: readonly string[]): Variant[] => [
  { path: [], surplus: surplusOf(type, wanted) },
];

/** Types of which the same is known and wanted under a name, of those of which anything is known. */
function groupsAt({ types, sources, wanted }: Here, { key }: Step): string[][] {
  const known = [...factsAt(sources, key)].filter(({ fact }) => fact.what !== null);
  const facts = [...known, ...factsAt(wanted, key)];
  const met = [...types].filter((name) => known.some(({ fact }) => applies(fact.types, name)));
  const signature = (name: string) => facts.map(({ fact }) => Number(applies(fact.types, name))).join('');
  return [...Map.groupBy(met, signature).values()];
}

function variantsBelow(
  looking: Looking,
  here: Here,
  names: readonly string[],
  step: Step,
  rest: readonly Step[],
): readonly Variant[] {
  const types = new Set(names);
  const asked = [...factsAt(here.wanted, step.key)].filter(({ fact }) =>
    names.some((name) => applies(fact.types, name)),
  );
  if (asked.length === 0) return [{ path: [step, ...rest].flatMap(({ parts }) => parts), surplus: null }];
  const wanted = asked.flatMap(({ fact, under }) => (fact.inner ? [{ known: fact.inner, under }] : []));
  const next = { ...below({ types, sources: here.sources }, step), wanted };
  return branchesAt(looking, next, rest).map(({ path, surplus, types: only }) => ({
    path: [...narrowed(looking, step.parts, only), ...path],
    surplus,
  }));
}

/** The parts of a step, for objects of some types only, or of which nobody has told the type yet. */
function narrowed(
  { untoldNames }: Looking,
  parts: readonly string[],
  types: Branch['types'],
): readonly string[] {
  if (types === null) return parts;
  const names = new Set([...types, ...types.flatMap(untoldNames)]);
  const [key = ''] = parts.at(-1)?.split('|') ?? [];
  return [...parts.slice(0, -1), `${key}|[${[...names].join(',')}]`];
}

const areSame = (ones: readonly Variant[], others: readonly Variant[]): boolean =>
  ones.length === others.length &&
  ones.every((one, index) => {
    const other = others[index];
    return other?.path.join() === one.path.join() && isSameSurplus(one.surplus, other.surplus);
  });

const isSameSurplus = (one: Variant['surplus'], other: Variant['surplus']): boolean =>
  one?.size === other?.size &&
  [...(one ?? [])].every(
    ([node, conditions]) => other?.has(node) && other.get(node)?.join() === conditions?.join(),
  );
