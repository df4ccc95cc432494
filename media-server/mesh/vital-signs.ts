import { sendJson, type HttpRoute } from '#platform/http.ts';
import { INTERNAL_HEADER, requireInternal, signInternal } from '#platform/internal-auth.ts';
import type { Log } from '#platform/log.ts';
import { IDENTITY_PATH, serverIdentity } from '#schema/media-mesh.ts';

const TIMEOUT_MS = 2_000;
/** Many rooms, and many who come from a server that was killed, ask for the same one. */
const APART_MS = 250;

/** Says who answers at this server's address. */
export const identityRoute = (secret: string, serverId: string): HttpRoute => ({
  methods: ['GET'],
  path: IDENTITY_PATH,
  handle: async (request, response) => {
    requireInternal(request, secret);
    sendJson(response, 200, serverIdentity.parse({ serverId }));
  },
});

/** Other servers, as somebody begins to doubt that they still run. */
export interface VitalSigns {
  /** Looks after that server, at its address; calls `onGone` where it has ended. One that does not answer may be out of reach only: it expires. */
  doubt(serverId: string, url: string): void;
}

export function createVitalSigns(options: {
  secret: string;
  onGone: (serverId: string) => void;
  log: Log;
}): VitalSigns {
  const { secret, onGone, log } = options;
  const doubted = new Set<string>();
  const look = async (serverId: string, url: string) => {
    const found = await askIdentity(secret, url);
    if (found !== null && found !== serverId) onGone(serverId);
  };
  return {
    doubt(serverId, url) {
      if (doubted.has(serverId)) return;
      doubted.add(serverId);
      look(serverId, url)
        .catch((error: unknown) => log.debug({ err: error, serverId }, 'a media server was not found out'))
        .finally(() => setTimeout(() => doubted.delete(serverId), APART_MS).unref());
    },
  };
}

/** Who is there: an id, NOBODY where nothing listens, null where that cannot be said. */
async function askIdentity(secret: string, url: string): Promise<string | null> {
  try {
    const headers = { [INTERNAL_HEADER]: signInternal(secret) };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(new URL(IDENTITY_PATH, url), { headers, signal });
    const parsed = serverIdentity.safeParse(await response.json());
    return parsed.success ? parsed.data.serverId : null;
  } catch (error) {
    return isRefused(error) ? NOBODY : null;
  }
}

const NOBODY = '';

const isRefused = (error: unknown): boolean =>
  error instanceof Error &&
  error.cause instanceof Error &&
  'code' in error.cause &&
  error.cause.code === 'ECONNREFUSED';
