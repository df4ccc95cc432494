import { grantsKey } from '../authorization/grants.ts';
import type { EngineScope } from '../engine.ts';

export interface AudienceOptions {
  /** Headers, in lower case, that change no event: subscriptions that differ in these only are shared. */
  readonly ignoredHeaders?: readonly string[];
  /** False: every subscription is one of its own. Default: true. */
  readonly sharing?: boolean;
}

/**
 * Stands for everything about a caller that can change what it sees. A header that renews itself, as a signed viewer does, is known by
 * `scope.renewed`.
 */
export function createAudiences({
  ignoredHeaders = [],
  sharing = true,
}: AudienceOptions): (scope: EngineScope) => string {
  const ignored = new Set(ignoredHeaders);
  let alone = 0;
  return ({ headers, renewed = {}, grants }) => {
    if (!sharing) return String((alone += 1));
    const names = Object.keys(headers).filter((name) => !ignored.has(name));
    const told = names.sort().map((name) => [name, renewed[name] ?? headers[name]]);
    return JSON.stringify([grantsKey(grants), ...told]);
  };
}
