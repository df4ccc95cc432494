import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
import { isJsonObject } from '../engine/plan/execution.ts';
import { copyOf } from '../engine/plan/merge.ts';

/**
 * Divides the answer to a request for `count` entities among those who asked for some of them: `wanted` lists each one's positions in the
 * request, in the order in which that one asked. Every part is an answer to its own request, and may be changed:
 *
 * - entities in the order of asking, copied where several want them;
 * - errors of an entity under its position in the part, for those who want it; all other errors, and all errors where there are no
 *   entities, for everybody;
 * - what is wrong for the whole is wrong for every part: where the subgraph did not send one entity for each representation, no part has any.
 */
export function dividedAnswer(
  { data, errors, ...others }: FormattedExecutionResult,
  count: number,
  wanted: readonly (readonly number[])[],
): FormattedExecutionResult[] {
  const entities: unknown = isJsonObject(data) ? data['_entities'] : undefined;
  if (!Array.isArray(entities)) {
    return wanted.map((positions) => ({
      ...copyOf(others),
      ...(data !== undefined && { data: copyOf(data) }),
      ...errorsPart(errors, positions, 0),
    }));
  }
  const take = takerOf(entities);
  return wanted.map((positions) => ({
    ...copyOf(others),
    data: { _entities: entities.length === count ? positions.map(take) : [] },
    ...errorsPart(errors, positions, count),
  }));
}

/** Gives out each entity itself once, and copies from then on. All must be taken before anybody changes one. */
function takerOf(entities: readonly unknown[]): (position: number) => unknown {
  const taken = new Set<number>();
  return (position) => {
    if (taken.has(position)) return copyOf(entities[position]);
    taken.add(position);
    return entities[position];
  };
}

/** `count`: positions from there on are nobody's. */
function errorsPart(
  errors: FormattedExecutionResult['errors'],
  positions: readonly number[],
  count: number,
): Pick<FormattedExecutionResult, 'errors'> {
  // Whatever a subgraph put there; the engine checks it later.
  if (!Array.isArray(errors)) return errors === undefined ? {} : { errors: copyOf(errors) };
  const places = placesOf(positions);
  const own = errors.flatMap((error) => errorsAt(error, places, count));
  return own.length > 0 || errors.length === 0 ? { errors: own } : {};
}

function placesOf(positions: readonly number[]): ReadonlyMap<number, readonly number[]> {
  const places = new Map<number, number[]>();
  for (const [place, position] of positions.entries()) {
    const others = places.get(position);
    if (others) others.push(place);
    else places.set(position, [place]);
  }
  return places;
}

function errorsAt(
  error: GraphQLFormattedError,
  places: ReadonlyMap<number, readonly number[]>,
  count: number,
): GraphQLFormattedError[] {
  const path: unknown = isJsonObject(error) ? error['path'] : undefined;
  if (!Array.isArray(path) || typeof path[1] !== 'number') return [copyOf(error)];
  const [list, position, ...inside] = path;
  const own = places.get(position);
  if (own) return own.map((place) => ({ ...copyOf(error), path: [list, place, ...inside] }));
  const isOfAnother = Number.isInteger(position) && position >= 0 && position < count;
  // A position that is nobody's would be taken for one of this part.
  return isOfAnother ? [] : [{ ...copyOf(error), path: [list] }];
}
