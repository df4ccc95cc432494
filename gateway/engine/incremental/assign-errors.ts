import { isJsonObject, type JsonObject, type ResponseError, type ResponsePath } from '../plan/execution.ts';
import { publicName } from '../private-names.ts';

interface DeliveredAt {
  readonly path: ResponsePath;
  readonly data: JsonObject | null;
}

/** Errors by payload, and those that a payload still to come explains. */
export interface AssignedErrors {
  readonly errors: readonly (readonly ResponseError[])[];
  readonly held: readonly ResponseError[];
}

/**
 * Decides in which payload an error is told. `held` are errors of earlier fetches whose fields no payload has shown yet, `failures` those of the
 * fetches that were made for these payloads. One that lies within a payload belongs to it if it shows the field; one that lies above belongs to
 * every payload below, since each of them lacks what failed.
 */
export function assignErrors(
  delivered: readonly DeliveredAt[],
  waiting: readonly { readonly path: ResponsePath }[],
  held: readonly ResponseError[],
  failures: readonly ResponseError[],
): AssignedErrors {
  const errors: ResponseError[][] = delivered.map(() => []);
  const kept: ResponseError[] = [];
  const assign = (error: ResponseError, isOwn: boolean) => {
    const { path = [] } = error;
    const around = delivered.flatMap((record, index) => (startsWith(path, record.path) ? [index] : []));
    const showing = around.find((index) => shows(delivered[index], path));
    if (showing !== undefined) return void errors[showing]?.push(error);
    if (around.length === 0 ? !isOwn : waiting.some((record) => startsWith(path, record.path)))
      return void kept.push(error);
    const below = delivered.flatMap((record, index) => (startsWith(record.path, path) ? [index] : []));
    const places = around.length > 0 ? around.slice(0, 1) : below.length > 0 ? below : [0];
    for (const index of places) errors[index]?.push(error);
  };
  for (const error of held) assign(error, false);
  for (const error of failures) assign(error, true);
  return { errors, held: kept };
}

function shows(record: DeliveredAt | undefined, path: ResponsePath): boolean {
  return record !== undefined && !isHidden(record.data, path.slice(record.path.length));
}

/** Whether the path leads to a field that this data does not select. A null on the way hides nothing: the error may be why. */
export function isHidden(data: unknown, path: ResponsePath): boolean {
  let value = data;
  for (const key of path) {
    if (typeof key === 'number') value = Array.isArray(value) ? value[key] : null;
    else if (!isJsonObject(value)) return false;
    else if (!Object.hasOwn(value, publicName(key))) return true;
    else value = value[publicName(key)];
  }
  return false;
}

export function startsWith(path: ResponsePath, start: ResponsePath): boolean {
  return path.length >= start.length && start.every((key, index) => key === path[index]);
}
