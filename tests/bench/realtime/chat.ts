import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { newId } from '#platform/ids.ts';
import { signViewer, VIEWER_HEADER } from '#platform/viewer.ts';
import { createTestDatabase } from '../../support/databases.ts';
import { ownNats, skipWithoutNats } from '../../support/nats.ts';
import { CHECKOUT } from '../../support/platform-process.ts';
import { services } from '../../support/services.ts';
import { cpuMsOf } from '../machine.ts';
import { freePort, GATEWAY_CORE, startPinned } from '../gateway/processes.ts';

/** The chat subgraph as a process of its own, on real servers. */
export interface RunningChat {
  readonly port: number;
  cpuMs(): number;
  headersOf(userId: string): Record<string, string>;
  /** Answers `data`; throws where there are errors. */
  ask(userId: string, query: string, variables: object): Promise<Record<string, unknown>>;
  /** Drops its database, too. */
  end(): Promise<void>;
}

const START_DEADLINE_MS = 60_000;
const answer = z.object({ data: z.record(z.string(), z.unknown()), errors: z.undefined().optional() });

export async function startChat(): Promise<RunningChat> {
  const database = await createTestDatabase();
  // Its own, because what it sends would stay in another's stream; without one installed, the bus is within the process.
  const nats = skipWithoutNats ? null : await ownNats();
  await nats?.start();
  const secret = randomBytes(32).toString('hex');
  const port = await freePort();
  const chat = startPinned(GATEWAY_CORE, [join(CHECKOUT, 'subgraphs/chat/index.ts')], {
    env: {
      PORT: `${port}`,
      HOST: '127.0.0.1',
      LOG_LEVEL: 'warn',
      DATABASE_URL: database.url,
      REDIS_URL: services.redisUrl ?? '',
      NATS_URL: nats === null ? '' : `nats://127.0.0.1:${nats.port}`,
      INTERNAL_SECRET: secret,
    },
  });
  const url = `http://127.0.0.1:${port}/graphql`;
  const giveUpAtMs = performance.now() + START_DEADLINE_MS;
  while (!(await fetch(`http://127.0.0.1:${port}/health/ready`).then(isOk, () => false))) {
    if (chat.child.exitCode !== null || performance.now() > giveUpAtMs)
      throw new Error(`The chat subgraph does not answer: ${chat.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const headersOf = (userId: string) => ({
    [VIEWER_HEADER]: signViewer({ userId, sessionId: newId('Session'), roles: [] }, secret),
  });
  return {
    port,
    headersOf,
    cpuMs: () => cpuMsOf(chat.pid),
    async ask(userId, query, variables) {
      const headers = { 'content-type': 'application/json', ...headersOf(userId) };
      const body = JSON.stringify({ query, variables });
      const text = await (await fetch(url, { method: 'POST', headers, body })).text();
      const parsed = answer.safeParse(JSON.parse(text));
      if (!parsed.success) throw new Error(`chat answered ${text.slice(0, 300)}`);
      return parsed.data.data;
    },
    async end() {
      await chat.end();
      await nats?.[Symbol.asyncDispose]();
      await database.drop();
    },
  };
}

const isOk = ({ ok }: Response) => ok;
