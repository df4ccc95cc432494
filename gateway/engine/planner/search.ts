import { FragmentElement, isCompositeType, isInterfaceType } from '@apollo/federation-internals';
import type { Vertex } from '@apollo/query-graphs';
import graphPath from '@apollo/query-graphs/dist/graphPath.js';
import { combinationsOf, keysOf } from './combinations.ts';
import { combined, partsOf, TOO_MANY, type Way } from './ways.ts';

type Advance = typeof graphPath.advanceSimultaneousPathsWithOperation;
type Step<V extends Vertex> = Parameters<typeof graphPath.advanceSimultaneousPathsWithOperation<V>>;

/** Up to so many choices of a subgraph for each type are compared in all combinations. */
const MAX_COMBINATIONS = 64;
/** The planner makes these before anybody can look at them. */
const MAX_MADE = 20_000;

/**
 * Keeps the planner's search from two explosions.
 *
 * Where a subgraph knows an interface as an object and resolves a field of it that leads to further objects, the planner also considers going to the
 * subgraph that knows the types, and coming back from the objects of each. That ends where the field leads at once, never with fewer fetches; but all
 * combinations of such ways are built with every such field below, and of four types `{ peers { peer { peer { peer { id } } } } }` takes more memory
 * than there is.
 *
 * Where several subgraphs resolve a field for the objects of an interface, it considers every choice of one of them for each type: four million for 22
 * types in two subgraphs. Past some dozens all types are asked for in the same one, wherever that has it.
 */
const withinBounds =
  (advance: Advance): Advance =>
  <V extends Vertex>(...[schema, way, operation, overrides]: Step<V>) => {
    const choices: Way<V>[][] = [];
    for (const part of partsOf(way)) {
      const step: Step<V> = [schema, part, operation, overrides];
      const ways = isWide(step) ? sameForAll(advance, step) : advance(...step);
      if (!ways) return undefined;
      if (ways.length > 0) choices.push(withoutWorse(part, ways));
    }
    return combined(choices);
  };

/** Whether a field of an interface would be combined in too many ways; fails where that cannot be helped. */
function isWide<V extends Vertex>([schema, { paths }, operation]: Step<V>): boolean {
  const [path] = paths;
  if (!path || operation.kind !== 'Field') return false;
  const count = combinationsOf(schema, path.graph, path.tail, operation);
  if (count > MAX_COMBINATIONS && isInterfaceType(path.tail.type)) return true;
  if (count > MAX_MADE) throw new Error(TOO_MANY);
  return false;
}

/** A way for each subgraph: through it for all types that it resolves the field for. */
function sameForAll<V extends Vertex>(
  advance: Advance,
  [schema, way, field, overrides]: Step<V>,
): Way<V>[] | undefined {
  const [path] = way.paths;
  const type = path?.tail.type;
  if (!path || !type || !isCompositeType(type)) return undefined;
  const choices: Way<V>[][] = [];
  for (const { name } of path.tailPossibleRuntimeTypes()) {
    const casts = advance(schema, way, new FragmentElement(type, name), overrides);
    if (casts?.length === 0) continue;
    const ways = casts?.flatMap((one) => advance(schema, one, field, overrides) ?? []);
    if (!ways?.length) return undefined;
    choices.push(ways);
  }
  const sources = new Set(choices.flat().map(sourceOf));
  return [...sources].flatMap((source) =>
    combined(
      choices.map((ways) =>
        [ways.find((one) => sourceOf(one) === source) ?? ways[0]].filter((one) => one !== undefined),
      ),
    ),
  );
}

const sourceOf = <V extends Vertex>({ paths: [path] }: Way<V>) => path?.tail.source;

/**
 * Without ways that come back from elsewhere, or from the objects of each type, to where another way leads with one path, or where one key leads from
 * the end of a field of the same subgraph.
 */
function withoutWorse<V extends Vertex>({ paths: [from] }: Way<V>, ways: Way<V>[]): Way<V>[] {
  const single = ways.filter(({ paths }) => paths.length === 1);
  const direct = single.find(({ paths: [path] }) => path?.size === (from?.size ?? 0) + 1);
  const end = direct?.paths[0];
  const near = end ? keysOf(end.graph, end.tail).map((edge) => edge.tail) : [];
  const ends = new Set([...single.map(({ paths: [path] }) => path?.tail), ...near]);
  const isWorse = ({ paths: [path, ...others] }: Way<V>) =>
    others.length > 0
      ? [path, ...others].every((one) => ends.has(one?.tail))
      : path?.tail === direct?.paths[0]?.tail;
  return ways.filter((way) => way === direct || !isWorse(way));
}

// The planner looks it up there at every step, and has no option for that.
Object.assign(graphPath, {
  advanceSimultaneousPathsWithOperation: withinBounds(graphPath.advanceSimultaneousPathsWithOperation),
});
