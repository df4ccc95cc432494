import type { Vertex } from '@apollo/query-graphs';
import graphPath from '@apollo/query-graphs/dist/graphPath.js';

/** One way to get somewhere in an operation: a path, or several, for the types of an interface's objects. */
const Way = graphPath.SimultaneousPathsWithLazyIndirectPaths;
type Way<V extends Vertex> = InstanceType<typeof Way<V>>;
type Advance = typeof graphPath.advanceSimultaneousPathsWithOperation;

/** An operation of which some place can be reached in more ways, or in one way of more paths, is refused: they would take all memory. */
export const MAX_WAYS = 10_000;
const MAX_PATHS = 1_000;

/** A way of several paths, each of which remembers by itself where it can go on. */
class SeveralPaths<V extends Vertex> extends Way<V> {
  readonly parts: readonly Way<V>[];

  constructor(like: Way<V>, parts: readonly Way<V>[]) {
    super(
      parts.flatMap(({ paths }) => paths),
      like.context,
      like.conditionResolver,
      like.excludedNonCollectingEdges,
      like.excludedConditionsOnNonCollectingEdges,
      like.overrideConditions,
    );
    this.parts = parts;
  }
}

function partsOf<V extends Vertex>(way: Way<V>): readonly Way<V>[] {
  if (way instanceof SeveralPaths) return way.parts;
  return way.paths.length === 1 ? [way] : way.paths.map((path) => alone(way, path));
}

const alone = <V extends Vertex>(way: Way<V>, path: Way<V>['paths'][number]): Way<V> =>
  new Way(
    [path],
    way.context,
    way.conditionResolver,
    way.excludedNonCollectingEdges,
    way.excludedConditionsOnNonCollectingEdges,
    way.overrideConditions,
  );

/**
 * Keeps the planner from detours. Where a subgraph knows an interface as an object and resolves a field of it that leads to further objects, the
 * planner also considers going to the subgraph that knows the types, and coming back from the objects of each. That ends where the field leads at
 * once, never with fewer fetches; but all combinations of such ways are built with every such field below, and of four types
 * `{ peers { peer { peer { peer { id } } } } }` takes more memory than there is.
 */
const withoutDetours =
  (advance: Advance): Advance =>
  <V extends Vertex>(...[schema, way, operation, overrides]: Parameters<typeof advance<V>>) => {
    const choices: Way<V>[][] = [];
    for (const part of partsOf(way)) {
      const ways = advance(schema, part, operation, overrides);
      if (!ways) return undefined;
      if (ways.length > 0) choices.push(withoutWorse(part, ways));
    }
    return combined(choices);
  };

/** Without ways that come back from elsewhere, or from the objects of each type, to where another way leads with one path. */
function withoutWorse<V extends Vertex>({ paths: [from] }: Way<V>, ways: Way<V>[]): Way<V>[] {
  const single = ways.filter(({ paths }) => paths.length === 1);
  const ends = new Set(single.map(({ paths: [path] }) => path?.tail));
  const direct = single.find(({ paths: [path] }) => path?.size === (from?.size ?? 0) + 1);
  const isWorse = ({ paths: [path, ...others] }: Way<V>) =>
    others.length > 0
      ? [path, ...others].every((one) => ends.has(one?.tail))
      : path?.tail === direct?.paths[0]?.tail;
  return ways.filter((way) => way === direct || !isWorse(way));
}

/** Each choice of one way for every path. */
function combined<V extends Vertex>([first = [], ...rest]: readonly Way<V>[][]): Way<V>[] {
  const count = rest.reduce((product, ways) => product * ways.length, first.length);
  const paths = [first, ...rest].map((ways) => Math.max(0, ...ways.map((way) => way.paths.length)));
  if (count > MAX_WAYS || paths.reduce((sum, length) => sum + length, 0) > MAX_PATHS)
    throw new Error('too many ways to one place');
  return rest.reduce(
    (made, ways) =>
      made.flatMap((one) => ways.map((other) => new SeveralPaths(one, [...partsOf(one), ...partsOf(other)]))),
    first,
  );
}

// The planner looks it up there at every step, and has no option for that.
Object.assign(graphPath, {
  advanceSimultaneousPathsWithOperation: withoutDetours(graphPath.advanceSimultaneousPathsWithOperation),
});
