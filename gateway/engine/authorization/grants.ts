/** What the token of a signed-in caller grants. Nobody is signed in where there are none. */
export interface Grants {
  readonly scopes: ReadonlySet<string>;
  readonly policies: ReadonlySet<string>;
  /** The same for equal grants, and for those alone. */
  readonly key: string;
}

export function createGrants(scopes: Iterable<string>, policies: Iterable<string>): Grants {
  const granted = { scopes: new Set(scopes), policies: new Set(policies) };
  const key = JSON.stringify([[...granted.scopes].sort(), [...granted.policies].sort()]);
  return { ...granted, key };
}

/** Stands for what a caller may see, in keys of what callers share. */
export const grantsKey = (grants: Grants | undefined): string => grants?.key ?? '';
