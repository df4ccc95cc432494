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

const record = z.record(z.string(), z.unknown());
/** What may stand in a header as it is. */
const HEADER_VALUE = /^[\x20-\x7e]+$/;

/**
 * The headers of these names, in lower case, which a `connection_init` payload carries by itself or within `headers`, since a browser can give a
 * socket none. What no header could hold is left out.
 */
export function headersIn(payload: unknown, names: readonly string[]): Readonly<Record<string, string>> {
  if (names.length === 0) return {};
  const own = record.safeParse(payload).data ?? {};
  const given = { ...own, ...record.safeParse(own['headers']).data };
  const headers: Record<string, string> = {};
  for (const [key, value] of Object.entries(given)) {
    const name = key.toLowerCase();
    if (names.includes(name) && typeof value === 'string' && HEADER_VALUE.test(value)) headers[name] = value;
  }
  return headers;
}
