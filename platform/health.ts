import { messageOf } from './errors.ts';
import { sendJson, type HttpRoute } from './http.ts';

/** Name of a dependency → a check that rejects where it cannot be used now. */
export type ReadinessChecks = Readonly<Record<string, () => Promise<unknown>>>;

const CHECK_TIMEOUT_MS = 2_000;

/**
 * `/health/live`: the process answers. `/health/ready`: it can do its work, 503 with what is missing otherwise.
 * A dependency that is away makes a process not ready, never not alive: a restart would not bring the dependency back.
 */
export function healthRoutes(checks: ReadinessChecks): HttpRoute[] {
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
          Object.entries(checks).map(async ([name, check]) => [name, await state(check)]),
        );
        const ready = entries.every(([, value]) => value === 'ok');
        const body = { status: ready ? 'ready' : 'not ready', checks: Object.fromEntries(entries) };
        sendJson(response, ready ? 200 : 503, body);
      },
    },
  ];
}

async function state(check: () => Promise<unknown>): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
  });
  try {
    await Promise.race([check(), timeout]);
    return 'ok';
  } catch (error) {
    return messageOf(error);
  } finally {
    clearTimeout(timer);
  }
}
