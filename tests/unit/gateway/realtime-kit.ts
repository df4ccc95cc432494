import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { createLog } from '#platform/log.ts';
import {
  createRealtimeClient,
  type RealtimeClientOptions,
  type RealtimeSubscription,
} from '../../../clients/realtime/realtime-client.ts';
import { createJwtAuth } from '../../../gateway/auth/jwt-auth.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { startFakeGateway } from './fake-gateway.ts';
import { serveLog } from './served-log.ts';
import { createTokenIssuer } from './tokens.ts';

export const FOLLOW = 'subscription ($after: String) { log(after: $after) { cursor } }';
/** A connection that lasts for the longest delay begins the count of failures anew: on a busy machine any may last for a while. */
export const RETRY = { minDelayMs: 2, maxDelayMs: 5_000 };

/** Every way in which subscriptions travel. */
export const MODES = {
  'a WebSocket': { transport: 'ws' },
  'event streams': { transport: 'sse' },
  'one event stream': { transport: 'sse', singleConnection: true },
} as const satisfies Record<string, Partial<RealtimeClientOptions>>;

export interface Entry {
  readonly log: { readonly cursor: string };
}

export async function cursorsOf(events: RealtimeSubscription<Entry>, count: number): Promise<string[]> {
  const cursors: string[] = [];
  while (cursors.length < count) {
    const { value } = await events.next();
    assert.ok(value?.data, 'an event');
    cursors.push(value.data.log.cursor);
  }
  return cursors;
}

/** A gateway that verifies tokens, behind a proxy whose connections a test can cut. */
export async function startBehindProxy(t: TestContext) {
  const issuer = await createTokenIssuer();
  const log = createLog('gateway', 'silent');
  const secret = 'a secret of thirty-two characters!';
  const auth = createJwtAuth({ jwks: async () => issuer.jwks, secret, log });
  const gateway = await startFakeGateway({ auth, socketLimits: { sweepMs: 5 } });
  const proxy = await startTcpProxy('127.0.0.1', gateway.listener.port);
  t.after(async () => {
    await proxy.close();
    await gateway.close();
    await auth.close();
  });
  const cut = () => {
    proxy.block();
    proxy.open();
  };
  return { issuer, gateway, proxy, cut, url: `http://127.0.0.1:${proxy.port}/graphql` };
}

export function createTestClient(t: TestContext, options: RealtimeClientOptions) {
  const client = createRealtimeClient({ retry: RETRY, ...options });
  t.after(() => client.close());
  return client;
}

/** A client of one gateway. */
export async function start(t: TestContext, options: Partial<RealtimeClientOptions>) {
  const started = await startBehindProxy(t);
  return { ...started, client: createTestClient(t, { url: started.url, ...options }) };
}

/** The same, with a log to follow. */
export async function startLog(t: TestContext, options: Partial<RealtimeClientOptions>) {
  const started = await start(t, options);
  return { ...started, log: serveLog(started.gateway.engine) };
}
