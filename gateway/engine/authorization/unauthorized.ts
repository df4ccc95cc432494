import type { ERROR_STATUS } from '#platform/errors.ts';
import type { ResponseError, ResponsePath } from '../plan/execution.ts';

const CODE: keyof typeof ERROR_STATUS = 'UNAUTHORIZED_FIELD_OR_TYPE';

/** As Apollo Router words it. */
export const UNAUTHORIZED = { message: 'Unauthorized field or type', extensions: { code: CODE } };

/** A field that is missing in every item of a long list is reported for so many of them. */
const MAX_ERRORS_OF_A_FIELD = 100;

/** Writes the places of fields that were withheld into a list. `coordinate` is `Type.field`. */
export function collectUnauthorized(
  found: ResponseError[],
): (coordinate: string, path: () => ResponsePath) => void {
  const counts = new Map<string, number>();
  return (coordinate, path) => {
    const count = counts.get(coordinate) ?? 0;
    if (count >= MAX_ERRORS_OF_A_FIELD) return;
    counts.set(coordinate, count + 1);
    found.push({ ...UNAUTHORIZED, path: path() });
  };
}
