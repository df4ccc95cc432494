import type { Vertex } from '@apollo/query-graphs';
import graphPath from '@apollo/query-graphs/dist/graphPath.js';

/** One way to get somewhere in an operation: a path, or several, for the types of an interface's objects. */
export const Way = graphPath.SimultaneousPathsWithLazyIndirectPaths;
export type Way<V extends Vertex> = InstanceType<typeof Way<V>>;

/** An operation of which some place can be reached in more ways, or in one way of more paths, is refused: they would take all memory. */
export const MAX_WAYS = 10_000;
const MAX_PATHS = 1_000;

/** What the planner fails with then. */
export const TOO_MANY = 'too many ways to one place';

/** A way of several paths, each of which remembers by itself where it can go on. */
export class SeveralPaths<V extends Vertex> extends Way<V> {
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

/** Its paths, each as a way. */
export function partsOf<V extends Vertex>(way: Way<V>): readonly Way<V>[] {
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

/** Each choice of one way for every path. */
export function combined<V extends Vertex>([first = [], ...rest]: readonly Way<V>[][]): Way<V>[] {
  const count = rest.reduce((product, ways) => product * ways.length, first.length);
  const paths = [first, ...rest].map((ways) => Math.max(0, ...ways.map((way) => way.paths.length)));
  if (count > MAX_WAYS || paths.reduce((sum, length) => sum + length, 0) > MAX_PATHS)
    throw new Error(TOO_MANY);
  return rest.reduce(
    (made, ways) =>
      made.flatMap((one) => ways.map((other) => new SeveralPaths(one, [...partsOf(one), ...partsOf(other)]))),
    first,
  );
}
