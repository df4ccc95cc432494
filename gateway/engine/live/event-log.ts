import { Kind } from 'graphql';
import { allSelections } from '../subscription-rules.ts';
import { isJsonObject, type JsonObject } from '../plan/execution.ts';
import type { PrivateNames } from '../private-names.ts';
import { noticeFields, type LogPosition } from './log-position.ts';

/** How the positions of a subscription with a log are told and read. */
export interface EventLog {
  /** Variable by which the upstream is told where to go on. */
  readonly variable: string;
  /** The position that the client gives; null or undefined: now. */
  readonly startOf: LogPosition['startOf'];
  readonly startVariable: LogPosition['startVariable'];
  /** The position behind an event, null where it came without its data. `data` is the upstream's. */
  readonly cursorOf: (data: JsonObject) => string | null;
  /** The data of an event that says: up to the position of `data`, events are missing. Null where the schema has none. */
  readonly noticeAt: (data: JsonObject) => JsonObject | null;
}

/** `names` are those under which the fields of the planned operation travel. */
export function eventLog(position: LogPosition, names: PrivateNames): EventLog {
  const { variable, startOf, startVariable, roots, added, notice } = position;
  const rootName = names.of(roots[0]);
  const places = added.map((field) => ({ name: field.name.value, inner: names.of(field) }));
  const cursorName = places.find(({ name }) => name === 'cursor')?.inner ?? '';
  const eventOf = (data: JsonObject) => {
    const event = data[rootName];
    return isJsonObject(event) ? event : null;
  };
  return {
    variable,
    startOf,
    startVariable,
    cursorOf(data) {
      const cursor = eventOf(data)?.[cursorName];
      return typeof cursor === 'string' ? cursor : null;
    },
    noticeAt(data) {
      const event = eventOf(data);
      if (!notice || !event) return null;
      const known = Object.fromEntries(places.map(({ name, inner }) => [name, event[inner]]));
      return { [rootName]: underTheirNames(position, names, { ...known, ...noticeFields(notice) }) };
    },
  };
}

/** An object of the notice's type as a subgraph would have sent it: values stand under the names of the client's fields. */
function underTheirNames(
  { ast, roots }: LogPosition,
  names: PrivateNames,
  values: Readonly<JsonObject>,
): JsonObject {
  const object: JsonObject = { __typename: values['__typename'] };
  for (const { selectionSet } of roots)
    for (const selection of selectionSet ? allSelections(selectionSet, ast.fragments) : [])
      if (selection.kind === Kind.FIELD) object[names.of(selection)] = values[selection.name.value];
  return object;
}
