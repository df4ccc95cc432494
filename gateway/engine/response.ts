import type { FormattedExecutionResult, GraphQLError, GraphQLFormattedError } from 'graphql';
import { collectUnauthorized } from './authorization/unauthorized.ts';
import type { CompiledOperation } from './operation.ts';
import type { Execution, JsonObject, ResponseError, ResponsePath } from './plan/execution.ts';
import { publicName } from './private-names.ts';
import type { Place, ProjectionRun } from './projection/complete.ts';

/** The answer to a request that did not begin to run. */
export function refused(errors: readonly GraphQLError[], correlationId?: string): FormattedExecutionResult {
  return { errors: errors.map((error) => withCorrelation(error.toJSON(), correlationId)) };
}

/** Cuts an execution's data to the client's selection and reports nulls that nothing explains yet. */
export function finish(
  operation: CompiledOperation,
  execution: Pick<Execution, 'data' | 'errors' | 'variables'>,
  correlationId?: string,
): FormattedExecutionResult<JsonObject> {
  const { errors, variables } = execution;
  const violations: ResponseError[] = [];
  const unauthorized: ResponseError[] = [];
  const run: ProjectionRun = {
    introspection: operation.introspect(variables),
    violation: collectViolations(violations),
    unauthorized: collectWithheld(unauthorized),
  };
  const data = operation.projection.project(execution.data, variables, run);
  const all = [...errors, ...unexplained(violations, errors), ...unauthorized];
  if (all.length === 0) return { data };
  return { errors: all.map((error) => formatted(error, correlationId)), data };
}

/** Writes what a projection finds fault with into a list. */
export function collectViolations(found: ResponseError[]): ProjectionRun['violation'] {
  return (message, parent, key) =>
    found.push({ message, path: pathOf(parent, key), extensions: { code: 'SUBGRAPH_ERROR' } });
}

/** Writes the places of what the caller must not see into a list. */
export function collectWithheld(found: ResponseError[]): ProjectionRun['unauthorized'] {
  const collect = collectUnauthorized(found);
  return (coordinate, parent, key) => collect(coordinate, () => pathOf(parent, key));
}

/** The path to `key` below `parent`, under the names by which fields travel. */
export function pathOf(parent: Place | undefined, key: string | number): ResponsePath {
  const path = [key];
  for (let place = parent; place; place = place.parent) path.push(place.key);
  return path.toReversed();
}

/** Those of `violations` that no error explains. A null is explained by an error at its place, above it (a subgraph failed) or below it (a null that bubbled up). */
export function unexplained(
  violations: readonly ResponseError[],
  errors: readonly ResponseError[],
): ResponseError[] {
  if (errors.length === 0 || violations.length === 0) return [...violations];
  const exact = new Set<string>();
  const above = new Set<string>();
  for (const { path = [] } of errors) {
    exact.add(prefixText(path, path.length));
    for (let length = 0; length <= path.length; length++) above.add(prefixText(path, length));
  }
  return violations.filter(({ path = [] }) => {
    if (above.has(prefixText(path, path.length))) return false;
    for (let length = 0; length < path.length; length++) {
      if (exact.has(prefixText(path, length))) return false;
    }
    return true;
  });
}

const prefixText = (path: ResponsePath, length: number) => path.slice(0, length).join('\n');

/** An error as clients see it. */
export function formatted(
  { message, path, extensions }: ResponseError,
  correlationId?: string,
): GraphQLFormattedError {
  const shown = path?.map((part) => (typeof part === 'string' ? publicName(part) : part));
  const error = shown && shown.length > 0 ? { message, path: shown, extensions } : { message, extensions };
  return withCorrelation(error, correlationId);
}

function withCorrelation(error: GraphQLFormattedError, correlationId?: string): GraphQLFormattedError {
  if (correlationId === undefined) return error;
  return { ...error, extensions: { ...error.extensions, correlationId } };
}
