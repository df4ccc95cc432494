import { messageOf } from './errors.ts';
import { sendJson, type HttpRoute } from './http.ts';
import type { Log } from './log.ts';

/** Name of a dependency → a check that rejects where it cannot be used now. */
export type ReadinessChecks = Readonly<Record<string, () => Promise<unknown>>>;

const CHECK_TIMEOUT_MS = 2_000;

/**
 * `/health/live`: the process answers. `/health/ready`: it can do its work, 503 with the names of what is missing otherwise. Whoever asks is a
 * stranger: the reasons, which name hosts and databases, are for the log.
 * A dependency that is away makes a process not ready, never not alive: a restart would not bring the dependency back.
 */
export function healthRoutes(checks: ReadinessChecks, log: Log): HttpRoute[] {
  const tell = createTeller(log);
  const stateOf = async (name: string, check: () => Promise<unknown>) => {
    const reason = await failureOf(check);
    tell(name, reason);
    return reason === null ? 'up' : 'down';
  };
  return [
    {
      methods: ['GET'],
      path: '/health/live',
      handle: (_request, response) => sendJson(response, 200, { status: 'live' }),
    },
    {
      methods: ['GET'],
      path: '/health/ready',
      handle: async (_request, response) => {
        const entries = await Promise.all(
          Object.entries(checks).map(async ([name, check]) => [name, await stateOf(name, check)] as const),
        );
        const ready = entries.every(([, state]) => state === 'up');
        const body = { status: ready ? 'ready' : 'not ready', checks: Object.fromEntries(entries) };
        sendJson(response, ready ? 200 : 503, body);
      },
    },
  ];
}

/** Logs what changes and nothing else: anybody may ask, and as often as he likes. */
function createTeller(log: Log) {
  const reasons = new Map<string, string | null>();
  return (check: string, reason: string | null) => {
    const before = reasons.get(check) ?? null;
    reasons.set(check, reason);
    if (reason === before) return;
    if (reason === null) log.info({ check }, 'ready again');
    else log.warn({ check, reason }, 'not ready');
  };
}

/** Null where it can be used. */
async function failureOf(check: () => Promise<unknown>): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
  });
  try {
    await Promise.race([check(), timeout]);
    return null;
  } catch (error) {
    return messageOf(error);
  } finally {
    clearTimeout(timer);
  }
}
