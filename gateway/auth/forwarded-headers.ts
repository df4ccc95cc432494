import type { TraceHeaders } from '#platform/tracing/trace-context.ts';
import { VIEWER_HEADER } from '#platform/viewer.ts';
import { CORRELATION_HEADER } from '../http/correlation.ts';
import type { Identity } from './auth.ts';

/** The platform's own header names; a client that sends one could speak for somebody else. */
const OWN_PREFIX = 'x-veza-';
/** Headers of a client that every subgraph gets. */
export const ALWAYS_FORWARDED = ['user-agent', 'accept-language'];

/** Tells a subgraph where the caller is. */
export const CLIENT_ADDRESS_HEADER = `${OWN_PREFIX}client-ip`;

/** Whose headers they are. */
const IDENTITY = Symbol('identity');

// One for all of them: V8 keeps an object with an accessor of its own, and whatever it leads to, until the next full collection.
const viewerHeader = {
  enumerable: true,
  get(this: { readonly [IDENTITY]: Identity }): string {
    return this[IDENTITY].viewerHeader();
  },
};

export interface Caller {
  /** Header names are lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly identity: Identity | null;
  readonly ipAddress: string | undefined;
  readonly correlationId: string;
  readonly traceHeaders: TraceHeaders;
}

/**
 * What subgraphs are told about a caller: the signed viewer, the correlation id, the trace, the address, the headers named in `names`, and
 * nothing else. Keep the object rather than a copy while a subscription lives: its viewer header renews itself.
 */
export function forwardedHeaders(caller: Caller, names: readonly string[]): Record<string, string> {
  const { headers, identity, ipAddress, correlationId, traceHeaders } = caller;
  const forwarded: Record<string, string> = { [CORRELATION_HEADER]: correlationId };
  for (const name of ALWAYS_FORWARDED) forward(forwarded, name, headers[name]);
  for (const name of names) if (!name.startsWith(OWN_PREFIX)) forward(forwarded, name, headers[name]);
  // After the client's own ones: it does not say for us where we are in its trace.
  forward(forwarded, 'traceparent', traceHeaders.traceparent);
  forward(forwarded, 'tracestate', traceHeaders.tracestate);
  if (ipAddress !== undefined) forwarded[CLIENT_ADDRESS_HEADER] = ipAddress;
  if (identity) {
    Object.defineProperty(forwarded, IDENTITY, { value: identity });
    Object.defineProperty(forwarded, VIEWER_HEADER, viewerHeader);
  }
  return forwarded;
}

function forward(to: Record<string, string>, name: string, value: string | string[] | undefined): void {
  if (value !== undefined) to[name] = Array.isArray(value) ? value.join(', ') : value;
}
