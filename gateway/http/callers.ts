import type { IncomingMessage } from 'node:http';
import type { TraceHeaders } from '#platform/tracing/trace-context.ts';
import { VIEWER_HEADER } from '#platform/viewer.ts';
import type { GatewayAuth, Identity } from '../auth/auth.ts';
import { ALWAYS_FORWARDED, forwardedHeaders } from '../auth/forwarded-headers.ts';
import type { EngineScope } from '../engine/engine.ts';
import { addressOf } from './client-address.ts';

/** What a caller is known by. */
export type CallingRequest = Pick<IncomingMessage, 'headers' | 'socket'>;

export interface Call {
  readonly request: CallingRequest;
  readonly identity: Identity | null;
  /** Where it did not come as a header: from a socket's `connection_init`. */
  readonly authorization?: string | undefined;
  readonly correlationId: string;
  readonly traceHeaders: TraceHeaders;
  readonly signal: AbortSignal;
}

export interface Callers {
  /** What is to be kept of a request for as long as its connection lives, instead of all of it. */
  keep(request: IncomingMessage): CallingRequest;
  /** Who is calling; null is an anonymous caller, or any caller of a gateway that verifies nothing. Rejects as GatewayAuth does. */
  identify(authorization: string | undefined): Promise<Identity | null>;
  /** What subgraphs are told about a caller. */
  headersOf(call: Omit<Call, 'signal'>): EngineScope['headers'];
  /** What goes to the engine, and from there to subgraphs, beside an operation. */
  scopeOf(call: Call): EngineScope;
}

export interface CallersOptions {
  readonly auth: GatewayAuth | null;
  readonly forwardHeaders: readonly string[];
  /** The nearest proxy is trusted to append the caller's address to X-Forwarded-For. */
  readonly trustProxy: boolean;
}

export function createCallers({ auth, forwardHeaders, trustProxy }: CallersOptions): Callers {
  // A verified token stays at the gateway: subgraphs get the viewer. Without verification it is their business.
  const names = auth
    ? forwardHeaders.filter((name) => name !== 'authorization')
    : ['authorization', ...forwardHeaders];
  const headersOf: Callers['headersOf'] = ({
    request,
    identity,
    authorization,
    correlationId,
    traceHeaders,
  }) => {
    const given = authorization === undefined ? request.headers : { ...request.headers, authorization };
    const ipAddress = addressOf(request, trustProxy);
    return forwardedHeaders({ headers: given, identity, ipAddress, correlationId, traceHeaders }, names);
  };
  const kept = new Set([...ALWAYS_FORWARDED, ...names, 'authorization', 'x-forwarded-for']);
  return {
    keep: ({ headers, socket }) => ({
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => kept.has(name))),
      socket,
    }),
    identify: async (authorization) => (auth ? auth.authenticate(authorization) : null),
    headersOf,
    scopeOf: (call) => ({
      headers: headersOf(call),
      signal: call.signal,
      correlationId: call.correlationId,
      ...(call.identity && {
        renewed: { [VIEWER_HEADER]: JSON.stringify(call.identity.viewer) },
        grants: call.identity.grants,
      }),
    }),
  };
}
