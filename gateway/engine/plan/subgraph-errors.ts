import { CodedError } from '#platform/errors.ts';
import { requestFields } from '#platform/tracing/trace-context.ts';
import {
  isJsonObject,
  type Execution,
  type JsonObject,
  type ResponseError,
  type ResponsePath,
} from './execution.ts';

/** An answer is kept to this many errors per fetch: a subgraph must not drown the response. */
const MAX_ERRORS_PER_FETCH = 100;

/** Parts of `extensions` that are meant for a server's own debugging or its own HTTP answer; Apollo Server would obey `http`. */
const INTERNAL_EXTENSIONS = new Set(['stacktrace', 'exception', 'http']);

/** The `errors` of a subgraph's answer, whatever they hold. Each keeps its message, its code and its place as `place` maps it. */
export function subgraphErrors(
  errors: unknown,
  service: string,
  place: (path: ResponsePath | undefined) => readonly (ResponsePath | undefined)[],
): ResponseError[] {
  if (errors === undefined || errors === null) return [];
  const list: unknown[] = Array.isArray(errors) ? errors.slice(0, MAX_ERRORS_PER_FETCH) : [errors];
  return list.flatMap((error) =>
    place(pathOf(error)).map((path) => ({
      message: textOf(error) ?? `The subgraph ${service} answered with an error.`,
      ...(path && { path }),
      extensions: extensionsOf(error, service),
    })),
  );
}

function textOf(error: unknown): string | undefined {
  const message = isJsonObject(error) ? error['message'] : undefined;
  return typeof message === 'string' && message !== '' ? message : undefined;
}

function pathOf(error: unknown): ResponsePath | undefined {
  const path = isJsonObject(error) ? error['path'] : undefined;
  if (!Array.isArray(path)) return undefined;
  const parts: unknown[] = path;
  return parts.every(isPathPart) ? parts : undefined;
}

const isPathPart = (part: unknown): part is string | number =>
  typeof part === 'string' || typeof part === 'number';

function extensionsOf(error: unknown, service: string): JsonObject {
  const given = isJsonObject(error) && isJsonObject(error['extensions']) ? error['extensions'] : {};
  const shown = Object.entries(given).filter(([key]) => !INTERNAL_EXTENSIONS.has(key));
  const code = typeof given['code'] === 'string' ? given['code'] : 'SUBGRAPH_ERROR';
  return { ...Object.fromEntries(shown), code, service };
}

/** A fetch that brought no answer at all. Only a CodedError's message is shown; the cause is logged. */
export function fetchFailure(
  execution: Execution,
  service: string,
  error: unknown,
  paths: readonly ResponsePath[],
): void {
  const aborted = execution.signal.aborted;
  if (!aborted)
    execution.log.warn({ ...requestFields(execution.headers), err: error, service }, 'subgraph fetch failed');
  const isCoded = error instanceof CodedError;
  const code = isCoded ? error.code : 'SUBGRAPH_ERROR';
  const message = isCoded ? error.message : `The subgraph ${service} could not be asked.`;
  const details = isCoded ? error.details : {};
  for (const path of paths) {
    execution.errors.push({ message, path, extensions: { ...details, code, service } });
  }
}
