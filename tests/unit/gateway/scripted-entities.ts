import assert from 'node:assert/strict';
import type { FormattedExecutionResult } from 'graphql';
import type { SubgraphFetch } from '../../../gateway/engine/client/subgraph-client.ts';
import type { EntityFetch } from '../../../gateway/traffic/joint-fetch.ts';
import { readBody } from '#platform/request-body.ts';
import { fetchOf, type Script } from './scripted-subgraph.ts';

const MAX_BODY_CHARS = 100_000;

/** A fetch of the goods with these ids. */
export function goodsOf(ids: readonly string[], extra: Partial<SubgraphFetch> = {}): EntityFetch {
  const representations = ids.map((id) => JSON.stringify({ __typename: 'Good', id }));
  return { ...fetchOf(extra), representations };
}

/** A good as `sendsGoods` answers, where nothing is wrong with it. */
export const good = (id: string) => ({ id, parts: [{ of: id }] });

export const goodsAnswer = (...ids: string[]) => ({ data: { _entities: ids.map(good) } });

const isGood = (value: unknown): value is { id: string; parts: object[] } =>
  typeof value === 'object' && value !== null && 'parts' in value;

/** The goods of an answer that are there. */
export function entitiesOf({ data }: FormattedExecutionResult) {
  const entities: unknown = data?.['_entities'];
  assert.ok(Array.isArray(entities));
  return entities.filter(isGood);
}

/**
 * Answers with the goods that are asked for; those of `broken` are null, with an error at their place. `asked` is told the ids of every
 * request.
 */
export function sendsGoods(
  asked: (ids: string[]) => void = () => undefined,
  broken: ReadonlySet<string> = new Set(),
): Script {
  return async (request, response) => {
    const { variables } = JSON.parse(await readBody(request, MAX_BODY_CHARS));
    const ids: string[] = variables.representations.map(({ id }: { id: string }) => id);
    asked(ids);
    const errors = ids.flatMap((id, index) =>
      broken.has(id) ? [{ message: `${id} is broken`, path: ['_entities', index, 'parts', 0] }] : [],
    );
    const data = { _entities: ids.map((id) => (broken.has(id) ? null : good(id))) };
    response.end(JSON.stringify(errors.length > 0 ? { data, errors } : { data }));
  };
}
