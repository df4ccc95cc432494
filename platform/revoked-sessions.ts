import { z } from 'zod';
import { messageOf } from './errors.ts';
import type { LiveBus } from './events/ports.ts';
import type { Log } from './log.ts';

/** Live topic on which ended sessions are announced. The list at `REVOKED_SESSIONS_PATH` is the truth for whoever missed one. */
export const REVOKED_SESSIONS_TOPIC = 'sessions:revoked';

/** `GET` with `since` (milliseconds since 1970): ids of the sessions ended since then. For processes of the platform only. */
export const REVOKED_SESSIONS_PATH = '/sessions/revoked';

export const revokedSession = z.object({ sessionId: z.string() });
export const revokedSessionList = z.object({ sessions: z.array(revokedSession) });

/** Tells every gateway. A lost notice costs seconds, not safety: gateways also ask for the list. */
export async function announceRevoked(
  liveBus: LiveBus,
  log: Log,
  sessionIds: readonly string[],
): Promise<void> {
  for (const sessionId of sessionIds) {
    await liveBus
      .publish(REVOKED_SESSIONS_TOPIC, { sessionId } satisfies z.infer<typeof revokedSession>)
      .catch((error: unknown) => {
        log.warn({ sessionId, reason: messageOf(error) }, 'revocation not announced');
      });
  }
}
