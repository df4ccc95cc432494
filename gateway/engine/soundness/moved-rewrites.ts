import type { FetchNode } from '@apollo/query-planner';
import type { ResponsePath } from '../plan/execution.ts';
import { isFragment } from '../plan/type-sets.ts';

/** Lists are no step of a rewrite's path. */
const keysOf = (path: ResponsePath): string[] => path.map(String).filter((part) => part !== '@');

/** What a fetch renames in its answer at or below a path, for a fetch of the objects there. */
export function renamesBelow(
  rewrites: FetchNode['outputRewrites'],
  path: ResponsePath,
): FetchNode['outputRewrites'] {
  return rewrites?.flatMap((rewrite) => {
    const rest = below(rewrite.path, keysOf(path));
    return rest ? [{ ...rewrite, path: rest }] : [];
  });
}

/** The rest of a rewrite's path behind `keys`; null where it leads elsewhere. */
function below(parts: readonly string[], keys: readonly string[]): string[] | null {
  const [key, ...others] = keys;
  if (key === undefined) return [...parts];
  const index = parts.findIndex((part) => !isFragment(part));
  return parts[index] === key ? below(parts.slice(index + 1), others) : null;
}

/** Contexts of the variables in `used`, read from objects further down: above them are those on the path. */
export function contextsBelow(
  rewrites: FetchNode['contextRewrites'],
  path: ResponsePath,
  used: readonly string[] | undefined,
): FetchNode['contextRewrites'] {
  const own = rewrites?.filter(({ renameKeyTo }) => used?.includes(renameKeyTo)) ?? [];
  if (own.length === 0) return undefined;
  const up = keysOf(path).map(() => '..');
  return own.map((rewrite) => ({ ...rewrite, path: [...up, ...rewrite.path] }));
}
