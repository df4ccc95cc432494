import { z } from 'zod';

const text = z.string().optional().catch(undefined);
const parameters = z.object({
  authorization: text,
  Authorization: text,
  token: text,
  headers: z.object({ authorization: text, Authorization: text }).optional().catch(undefined),
});

/**
 * The Authorization value that a `connection_init` payload carries, in any of the forms in use: `authorization`, `Authorization`, the
 * same within `headers`, or a bare `token`.
 */
export function authorizationOf(payload: unknown): string | undefined {
  const parsed = parameters.safeParse(payload);
  if (!parsed.success) return undefined;
  const { authorization, Authorization, token, headers } = parsed.data;
  const bare = token === undefined ? undefined : `Bearer ${token}`;
  return authorization ?? Authorization ?? headers?.authorization ?? headers?.Authorization ?? bare;
}
