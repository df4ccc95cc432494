/**
 * A PostgreSQL array as one parameter, for `?::text[]` and arrays of other types whose elements are given as text. Every element is quoted: `null`,
 * commas, braces and line breaks are text here. NUL is the one character that no text of PostgreSQL can hold.
 */
export function textArray(values: readonly (string | number)[]): string {
  return `{${values.map((value) => `"${String(value).replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
