import {
  defaultFieldResolver,
  getDirectiveValues,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  isObjectType,
} from 'graphql';
import { CodedError } from './errors.ts';
import type { Viewer } from './viewer.ts';

type Guarded = GraphQLFieldResolver<unknown, { readonly viewer: Viewer | null }>;

/** Makes every field with `@auth` refuse a caller who is not signed in, or who lacks one of the directive's roles. */
export function requireSignIn(schema: GraphQLSchema): GraphQLSchema {
  const directive = schema.getDirective('auth');
  if (!directive) return schema;
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const values = field.astNode && getDirectiveValues(directive, field.astNode);
      if (!values) continue;
      const roles = (values['roles'] ?? []) as readonly string[];
      field.resolve = guard(field.resolve ?? defaultFieldResolver, roles);
      if (field.subscribe) field.subscribe = guard(field.subscribe, roles);
    }
  }
  return schema;
}

function guard(resolve: Guarded, roles: readonly string[]): Guarded {
  return (source, args, context, info) => {
    if (!context.viewer) throw new CodedError('UNAUTHENTICATED', 'Sign in to do this.');
    const { roles: held } = context.viewer;
    if (roles.length > 0 && !roles.some((role) => held.includes(role))) {
      throw new CodedError('FORBIDDEN', 'Your role does not allow this.', { requiredRoles: roles });
    }
    return resolve(source, args, context, info);
  };
}

/** The viewer of an operation that `@auth` guards. */
export function requireViewer(context: { readonly viewer: Viewer | null }): Viewer {
  if (!context.viewer) throw new CodedError('UNAUTHENTICATED', 'Sign in to do this.');
  return context.viewer;
}
