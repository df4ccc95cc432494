import assert from 'node:assert/strict';
import { createGrants, type Grants } from '../../../gateway/engine/authorization/grants.ts';
import type { OperationCacheOptions } from '../../../gateway/engine/operation-cache.ts';
import {
  composeSupergraph,
  createTestGateway,
  resultOf,
  testScope,
  type TestSubgraphs,
} from '../../support/federation/supergraph.ts';

export const ANYBODY = undefined;
export const SIGNED_IN = createGrants([], []);
export const scoped = (...scopes: string[]) => createGrants(scopes, []);
export const admitted = (...policies: string[]) => createGrants([], policies);

export const scopeOf = (grants: Grants | undefined) => ({ ...testScope(), ...(grants && { grants }) });

/** An engine of which tests see the answers and what subgraphs were sent. */
export function start(
  subgraphs: TestSubgraphs,
  cache: OperationCacheOptions = {},
  sdl = composeSupergraph(subgraphs),
) {
  const { engine, fetches } = createTestGateway(subgraphs, sdl, { cache });
  const ask = async (query: string, grants: Grants | undefined, variables = {}) =>
    resultOf(await engine.executeText({ query, variables }, scopeOf(grants)));
  const sent = () => fetches.splice(0).map(({ operation }) => operation.query);
  return { engine, ask, sent };
}

export const unauthorized = (...path: (string | number)[]) => ({
  message: 'Unauthorized field or type',
  path,
  extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE' },
});

/** As JSON: the order of fields counts. */
export const same = (actual: unknown, expected: unknown) =>
  assert.equal(JSON.stringify(actual), JSON.stringify(expected));
