import { createGrants, type Grants } from '../engine/authorization/grants.ts';

/** The claims of a token in which its scopes and its policies stand. */
export interface GrantClaims {
  readonly scopesClaim: string;
  readonly policiesClaim: string;
}

export const DEFAULT_GRANT_CLAIMS: GrantClaims = { scopesClaim: 'scope', policiesClaim: 'policies' };

/** What a verified token grants; a claim that is missing, or of another form, grants nothing. */
export function grantsOf(
  payload: Readonly<Record<string, unknown>>,
  { scopesClaim, policiesClaim }: GrantClaims,
): Grants {
  return createGrants(namesIn(payload, scopesClaim), namesIn(payload, policiesClaim));
}

/** A list, or a text in which spaces stand between (RFC 8693, 4.2). */
function namesIn(payload: Readonly<Record<string, unknown>>, claim: string): string[] {
  const value = Object.hasOwn(payload, claim) ? payload[claim] : undefined;
  if (Array.isArray(value)) return value.filter((name) => typeof name === 'string');
  return typeof value === 'string' ? value.split(' ').filter((name) => name !== '') : [];
}
