import { isAbstractType, isInterfaceType, type GraphQLSchema } from 'graphql';

export const FRAGMENT_PREFIX = '... on ';

/** Whether a step of a plan's path is a condition on the type rather than a field. */
export const isFragment = (part: string) => part.startsWith(FRAGMENT_PREFIX);

/** Names of all types whose objects a fragment on `name` applies to, itself included: an entity may carry its interface's own name. */
export function typeSet(schema: GraphQLSchema, name: string): ReadonlySet<string> {
  const names = new Set([name]);
  const type = schema.getType(name);
  if (!isAbstractType(type)) return names;
  for (const possible of schema.getPossibleTypes(type)) names.add(possible.name);
  if (isInterfaceType(type)) {
    for (const { name: sub } of schema.getImplementations(type).interfaces) names.add(sub);
  }
  return names;
}
