import { listen } from './http.ts';
import { createLog } from './log.ts';

/** The port to listen on, known to be free a moment ago: a taken one is told before minutes of preparation, not after. */
export async function requireFreePort(host: string, port: number): Promise<number> {
  const listener = await listen({ host, port, routes: [], log: createLog('start', 'silent') });
  await listener.close();
  return listener.port;
}
