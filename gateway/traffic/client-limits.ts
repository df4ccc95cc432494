import type { IncomingMessage } from 'node:http';
import { CodedError } from '#platform/errors.ts';
import { networkOf } from '#platform/network.ts';
import type { Identity } from '../auth/auth.ts';
import { addressOf } from '../http/client-address.ts';
import { createRateLimit, type Rate } from './rate-limit.ts';

/** What is unset has no limit. */
export interface AllowanceLimits {
  /** HTTP requests, and operations of sockets. */
  readonly requests?: Rate | undefined;
  /** WebSockets that are opened, and event streams that are reserved. */
  readonly sockets?: Rate | undefined;
  /** WebSockets and event streams at the same time. */
  readonly maxOpen?: number | undefined;
}

export interface ClientLimitsOptions {
  /** One IPv4 address, or one /64 network of IPv6. */
  readonly perAddress?: AllowanceLimits;
  /** One user. Anonymous callers have their address only. */
  readonly perIdentity?: AllowanceLimits;
  /** See `addressOf`. */
  readonly trustProxy: boolean;
}

/** What one client may take. Everything throws RATE_LIMITED where that is too much. */
export interface Allowance {
  request(): void;
  socket(): void;
  /** Counts a connection that stays open; returns the function to be called once when it is closed. */
  open(): () => void;
}

export interface ClientLimits {
  ofAddress(request: IncomingMessage): Allowance;
  ofIdentity(identity: Identity | null): Allowance;
}

/** Counts what this process gives to each client. */
export function createClientLimits({
  perAddress = {},
  perIdentity = {},
  trustProxy,
}: ClientLimitsOptions): ClientLimits {
  const addresses = allowances(perAddress, 'this address');
  const identities = allowances(perIdentity, 'this user');
  return {
    ofAddress(request) {
      const address = addresses ? addressOf(request, trustProxy) : undefined;
      return addresses && address !== undefined ? addresses(networkOf(address)) : UNLIMITED;
    },
    ofIdentity: (identity) => (identities && identity ? identities(identity.viewer.userId) : UNLIMITED),
  };
}

const nothing = () => undefined;
const UNLIMITED: Allowance = { request: nothing, socket: nothing, open: () => nothing };

/** Null where nothing is limited. */
function allowances(limits: AllowanceLimits, whose: string): ((key: string) => Allowance) | null {
  if (Object.values(limits).every((limit) => limit === undefined)) return null;
  const takeRequest = taker(limits.requests, `Too many requests of ${whose}.`);
  const takeSocket = taker(limits.sockets, `Too many new connections of ${whose}.`);
  const enter = counter(limits.maxOpen ?? Infinity, `Too many open connections of ${whose}.`);
  return (key) => ({
    request: () => takeRequest(key),
    socket: () => takeSocket(key),
    open: () => enter(key),
  });
}

function taker(rate: Rate | undefined, message: string): (key: string) => void {
  if (!rate) return nothing;
  const limit = createRateLimit(rate);
  return (key) => {
    const missingMs = limit.take(key);
    if (missingMs > 0) throw new CodedError('RATE_LIMITED', message, { retryAfterMs: Math.ceil(missingMs) });
  };
}

function counter(max: number, message: string): (key: string) => () => void {
  const open = new Map<string, number>();
  return (key) => {
    const before = open.get(key) ?? 0;
    if (before >= max) throw new CodedError('RATE_LIMITED', message);
    open.set(key, before + 1);
    return () => {
      const left = (open.get(key) ?? 1) - 1;
      if (left > 0) open.set(key, left);
      else open.delete(key);
    };
  };
}
