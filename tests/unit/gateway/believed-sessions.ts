import type { GatewayAuth } from '../../../gateway/auth/auth.ts';
import { createGrants } from '../../../gateway/engine/authorization/grants.ts';
import type { FrontSettings } from '../../../gateway/front.ts';
import { startFakeGateway } from './fake-gateway.ts';

export interface Caller {
  readonly user?: string;
  readonly session?: string;
  readonly roles?: string[];
  readonly scopes?: string[];
  readonly expiresAtMs?: number;
}

/** A token says who its bearer is, and is believed. */
export const tokenOf = (caller: Caller) => ({ authorization: `Bearer ${JSON.stringify(caller)}` });

/** A gateway whose sessions a test can end. */
export async function startWithSessions(settings: Partial<FrontSettings> = {}) {
  const listeners = new Set<(sessionId: string) => void>();
  const auth: GatewayAuth = {
    async authenticate(authorization) {
      if (authorization === undefined) return null;
      const caller = JSON.parse(authorization.slice('Bearer '.length)) as Caller;
      const { user = 'usr_1', session = 'ses_1', roles = [], scopes = [], expiresAtMs = Infinity } = caller;
      const viewer = { userId: user, sessionId: session, roles };
      return { viewer, grants: createGrants(scopes, []), expiresAtMs, viewerHeader: () => user };
    },
    requireCurrent: () => undefined,
    onRevoked(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    ready: async () => undefined,
    close: async () => undefined,
  };
  const revoke = (sessionId: string) => listeners.forEach((listener) => listener(sessionId));
  return { ...(await startFakeGateway({ auth, ...settings })), revoke };
}
