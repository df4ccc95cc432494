import { TypeInfo, visit, visitWithTypeInfo, type ASTNode, type GraphQLSchema } from 'graphql';
import { logPosition } from '../live/log-position.ts';
import type { CompiledOperation, Operation } from '../operation.ts';
import type { OperationAst } from '../projection/selection.ts';
import type { Authorization } from './authorization.ts';
import type { Grants } from './grants.ts';
import { permittedOperation } from './permitted-operation.ts';
import { isMet, type Requirement } from './requirements.ts';
import { unauthorizedErrors, withheldPlaces, type WithheldPlace } from './withheld-places.ts';
import { introspects } from './withholding.ts';

/** A valid operation of which not everybody sees the same. */
export interface RestrictedOperation {
  readonly kind: CompiledOperation['kind'];
  readonly errors?: undefined;
  /** All that it takes to see all of it. */
  readonly requirements: readonly Requirement[];
  /**
   * Compiles what is left of it where some of them are not met. With `rejects` it does not run where it asks for what may not be seen. A
   * subscription does not run where nothing may be seen of its events.
   */
  without(unmet: ReadonlySet<Requirement>, rejects: boolean): Operation;
}

export function isRestricted(operation: Operation | RestrictedOperation): operation is RestrictedOperation {
  return 'without' in operation;
}

/** Those of an operation's requirements that a caller does not meet. */
export const unmetBy = (
  { requirements }: RestrictedOperation,
  grants: Grants | undefined,
): ReadonlySet<Requirement> => new Set(requirements.filter((requirement) => !isMet(requirement, grants)));

/** Null where everybody may see all of it. `schema` is that of the clients. */
export function restrictedOperation(
  authorization: Authorization | null,
  schema: GraphQLSchema,
  ast: OperationAst,
  compile: (unmet: ReadonlySet<Requirement>) => Operation,
): RestrictedOperation | null {
  const kind = ast.operation.operation;
  // A subscription is also asked where its events stand.
  const asked = (kind === 'subscription' && logPosition(schema, ast)?.planned) || ast;
  const requirements = authorization ? requirementsOf(authorization, schema, asked) : [];
  if (requirements.length === 0) return null;
  return {
    kind,
    requirements,
    without(unmet, rejects) {
      const { planned, shown } = permittedOperation({ authorization, schema, unmet }, ast);
      const places = withheldPlaces(shown);
      if (!planned && kind === 'subscription') return { errors: unauthorizedErrors(places, {}) };
      const operation = compile(unmet);
      return rejects && places.length > 0 ? rejecting(operation, places) : operation;
    },
  };
}

/** Refuses variables under which it asks for what may not be seen. */
function rejecting(operation: Operation, places: readonly WithheldPlace[]): Operation {
  if (operation.errors) return operation;
  const coerce: CompiledOperation['coerce'] = (given) => {
    const coerced = operation.coerce(given);
    if (coerced.errors) return coerced;
    const errors = unauthorizedErrors(places, coerced.variables);
    return errors.length > 0 ? { errors } : coerced;
  };
  return { ...operation, coerce };
}

function requirementsOf(
  authorization: Authorization,
  schema: GraphQLSchema,
  { operation, fragments }: OperationAst,
): Requirement[] {
  const found = new Set<Requirement>();
  const add = (requirements: readonly Requirement[]) => {
    for (const requirement of requirements) found.add(requirement);
  };
  const types = new TypeInfo(schema);
  const visitor = visitWithTypeInfo(types, {
    VariableDefinition: () => false,
    Field(node) {
      const parent = types.getParentType();
      if (parent && !introspects(node)) add(authorization.ofField(parent, node.name.value));
    },
    // Of a fragment.
    NamedType: ({ name }) => add(authorization.ofType(name.value)),
  });
  const collect = (node: ASTNode) => void visit(node, visitor);
  collect(operation);
  for (const fragment of fragments.values()) collect(fragment);
  return [...found];
}
