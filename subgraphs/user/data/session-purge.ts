import type { PurgeRule } from '#platform/purge.ts';
import { SESSION_TTL_MS } from '../domain/session.ts';

/** When it was revoked or ran out, whichever came first; `least` passes over what is null. */
const ENDED = 'least(s.revoked_at, s.expires_at)';

/** A token of a session that has ended is refused, known or not. One of a session that goes on is known as used for as long as an unused one is good. */
export const SESSION_PURGES: readonly PurgeRule[] = [
  {
    table: 'refresh_token',
    keepMs: SESSION_TTL_MS,
    where: `exists (select from session s where s.id = r.session_id and ${ENDED} < ?)`,
  },
  { table: 'refresh_token', keepMs: SESSION_TTL_MS, where: 'r.used_at < ?' },
  {
    table: 'session',
    keepMs: SESSION_TTL_MS,
    where: `${ENDED.replaceAll('s.', 'r.')} < ? and not exists (select from refresh_token t where t.session_id = r.id)`,
  },
];
