import assert from 'node:assert/strict';
import type { FormattedExecutionResult, GraphQLSchema } from 'graphql';
import type { IncrementalResult } from '../../../gateway/engine/engine.ts';
import { readParts } from './incremental.ts';
import { referenceAnswer, type SharedData } from './shared-data.ts';
import { shrink } from './shrink.ts';
import { testScope, type TestGateway } from './supergraph.ts';

type Path = readonly (string | number)[];

/** Answers an operation. */
export type Ask = (
  query: string,
  variables: Record<string, unknown>,
) => Promise<FormattedExecutionResult<Record<string, unknown>>>;

export interface Differential {
  /** The clients' one. */
  readonly schema: GraphQLSchema;
  readonly ask: Ask;
  /** Where `@defer` has an effect. */
  readonly askInParts?: (
    ...operation: Parameters<Ask>
  ) => Promise<FormattedExecutionResult | IncrementalResult>;
  readonly data: SharedData;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Types and fields that nobody may see who is not signed in, as `ask` is not. */
  readonly guards?: ReadonlySet<string>;
}

/** Everything that an engine can be asked for. */
export function differentialOf(
  { engine, query: ask }: TestGateway,
  data: SharedData,
  variables: Differential['variables'],
): Differential {
  const askInParts: Differential['askInParts'] = (query, given) =>
    engine.executeInParts({ query, variables: given }, testScope());
  return { schema: engine.apiSchema, ask, askInParts, data, variables };
}

/** What is wrong with an answer compared with that of one schema over the same data; null where nothing is. */
export async function difference(
  { schema, ask, askInParts, data, variables, guards }: Differential,
  query: string,
): Promise<string | null> {
  const expected = await referenceAnswer(schema, data, query, variables, guards);
  const actual = await ask(query, variables);
  const wrong = dataDifference(actual, expected) ?? errorDifference(actual, expected);
  if (wrong || !askInParts || !query.includes('@defer')) return wrong;
  const parts = await readParts(await askInParts(query, variables));
  if (parts.hasNext.some((hasNext, index) => hasNext !== index < parts.hasNext.length - 1))
    return `hasNext of the parts is ${parts.hasNext.join()}`;
  // A null bubbles to the nearest deferred fragment only, so that parts may hold more than the whole.
  if (expected.errors) return null;
  return isEqual(parts.data, expected.data) ? null : `in parts: ${JSON.stringify(parts)}`;
}

/** Fails with the seed and the smallest operation that still shows the difference. */
export async function assertSame(differential: Differential, query: string, context: string): Promise<void> {
  const wrong = await difference(differential, query);
  if (wrong === null) return;
  const fails = async (text: string) => (await difference(differential, text)) !== null;
  const smallest = await shrink(differential.schema, query, fails);
  // What only went wrong beside other operations is told as it was.
  assert.fail(`${context}\n${smallest}\n${(await difference(differential, smallest)) ?? wrong}`);
}

function dataDifference(actual: FormattedExecutionResult, expected: FormattedExecutionResult): string | null {
  const [ours, theirs] = [JSON.stringify(actual.data), JSON.stringify(expected.data)];
  return ours === theirs ? null : `expected ${theirs}\nactual   ${ours}\n${JSON.stringify(actual.errors)}`;
}

/**
 * Errors must explain the same nulls. They need not be the same: of several that take away one object GraphQL lets a server tell any, and a
 * subgraph tells of the bubbling within its own answer.
 */
function errorDifference(
  { data, errors = [] }: FormattedExecutionResult,
  expected: FormattedExecutionResult,
) {
  const shown = errors.filter(({ path = [] }) => isInAnswer(data, path));
  const ours = shown.map(({ path = [] }) => nullAt(data, path));
  const theirs = (expected.errors ?? []).map(({ path = [] }) => nullAt(data, path));
  const missing = theirs.find((path) => !ours.some((other) => isOneBranch(path, other)));
  if (missing) return `no error at ${missing.join('.')}`;
  const surplus = ours.find((path) => !theirs.some((other) => isOneBranch(path, other)));
  return surplus ? `an error at ${surplus.join('.')}: ${JSON.stringify(errors)}` : null;
}

/** The part of an error's path that leads to the null it caused. */
function nullAt(data: unknown, path: Path): Path {
  let value = data;
  for (const [length, key] of path.entries()) {
    if (value === null || value === undefined) return path.slice(0, length);
    value =
      typeof value === 'object' ? Object.entries(value).find(([name]) => name === String(key))?.[1] : value;
  }
  return path;
}

const isOneBranch = (a: Path, b: Path) =>
  a.slice(0, b.length).every((key, index) => String(key) === String(b[index]));

/** Subgraphs may be asked for more than the client selected, and fail there: that is told, but no other schema would. */
function isInAnswer(value: unknown, [key, ...rest]: Path): boolean {
  if (key === undefined || typeof value !== 'object' || value === null) return true;
  const found = Object.entries(value).find(([name]) => name === String(key));
  return found !== undefined && isInAnswer(found[1], rest);
}

function isEqual(a: unknown, b: unknown): boolean {
  try {
    assert.deepStrictEqual(a, b);
    return true;
  } catch {
    return false;
  }
}
