import {
  AUTHENTICATED_VERSIONS,
  isElementNamedType,
  isFieldDefinition,
  POLICY_VERSIONS,
  REQUIRES_SCOPES_VERSIONS,
  type DirectiveDefinition,
  type FeatureDefinition,
  type FeatureDefinitions,
  type Schema,
} from '@apollo/federation-internals';
import type { Grants } from './grants.ts';

/** One thing that types and fields demand of the caller. Equal ones of one supergraph are the same object. */
export interface Requirement {
  readonly kind: 'authenticated' | 'scopes' | 'policies';
  /** All of one of these lists; none at all demand nothing, by the rules of composition. */
  readonly anyOf: readonly (readonly string[])[];
}

/** Type name or `Type.field` → all that is demanded there. */
export type Requirements = ReadonlyMap<string, readonly Requirement[]>;

export function isMet({ kind, anyOf }: Requirement, grants: Grants | undefined): boolean {
  if (kind === 'authenticated') return grants !== undefined;
  return anyOf.length === 0 || anyOf.some((all) => all.every((name) => grants?.[kind].has(name)));
}

/**
 * Reads `@authenticated`, `@requiresScopes` and `@policy`, by whichever names the supergraph gives them. Throws where it links a version of them
 * that is not known, since that may demand anything.
 */
export function readRequirements(schema: Schema): Requirements {
  const found = new Map<string, Requirement[]>();
  const known = new Map<string, Requirement>();
  const read = <Arguments extends object>(
    directive: DirectiveDefinition<Arguments> | undefined,
    kind: Requirement['kind'],
    anyOf: (given: Readonly<Arguments>) => Requirement['anyOf'],
  ) => {
    for (const application of directive?.applications() ?? []) {
      const requirement = { kind, anyOf: anyOf(application.arguments()) };
      const key = JSON.stringify(requirement);
      const shared = known.get(key) ?? requirement;
      known.set(key, shared);
      const at = coordinateOf(application.parent);
      found.set(at, [...(found.get(at) ?? []), shared]);
    }
  };
  read(linked(schema, AUTHENTICATED_VERSIONS)?.authenticatedDirective(schema), 'authenticated', () => []);
  const scoped = linked(schema, REQUIRES_SCOPES_VERSIONS)?.requiresScopesDirective(schema);
  read(scoped, 'scopes', ({ scopes }) => scopes);
  read(linked(schema, POLICY_VERSIONS)?.policyDirective(schema), 'policies', ({ policies }) => policies);
  return found;
}

/** The version of a specification that the supergraph links; undefined where it links none. */
function linked<T extends FeatureDefinition>(schema: Schema, versions: FeatureDefinitions<T>): T | undefined {
  const feature = schema.coreFeatures?.getByIdentity(versions.identity);
  if (!feature) return undefined;
  const specification = versions.find(feature.url.version);
  if (!specification) throw new Error(`${feature.url} is not supported`);
  return specification;
}

type Parent =
  ReturnType<DirectiveDefinition['applications']> extends ReadonlySet<{ parent: infer P }> ? P : never;

function coordinateOf(element: Parent): string {
  if (isElementNamedType(element) || isFieldDefinition(element)) return element.coordinate;
  throw new Error('an authorization directive stands where it has no meaning');
}
