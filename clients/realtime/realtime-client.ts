import type { FormattedExecutionResult } from 'graphql';
import { openEventStreamLink } from './event-stream-link.ts';
import { RETRY, type OnRetry, type RetryOptions } from './recovery.ts';
import { follow } from './subscription.ts';
import { createTokens, type GetToken } from './tokens.ts';
import { createTransport, type Transport } from './transport.ts';
import { openWebSocketLink } from './websocket-link.ts';

export { RealtimeError } from './realtime-error.ts';

export interface RealtimeClientOptions {
  /** Addresses of the GraphQL endpoint, http or https. One is used until it fails, then the next one, and after the last the first. */
  readonly url: string | readonly string[];
  /** Left out, the client is signed out. */
  readonly token?: GetToken;
  /** `ws` (default) has one socket for all subscriptions, `sse` a request for each, which passes proxies that know no WebSocket. */
  readonly transport?: 'ws' | 'sse';
  /** With `sse`: one event stream for all subscriptions. Over HTTP/1.1 a browser has no more than six connections to a server. */
  readonly singleConnection?: boolean;
  readonly retry?: Partial<RetryOptions>;
  /** Events of a subscription that may wait for their reader before it is let go and, once they are read, taken up again. Default 256. */
  readonly maxBufferedEvents?: number;
  /** A connection without a sign of life for twice this long is given up. Default 15 000. */
  readonly keepAliveMs?: number;
  readonly onRetry?: OnRetry;
  /** Class in place of the global WebSocket. */
  readonly webSocket?: unknown;
  /** In place of the global fetch. */
  readonly fetch?: typeof globalThis.fetch;
}

/** Begins with the first `next()`. `return()` ends it at once, also while it waits. */
export interface RealtimeSubscription<Data> extends AsyncIterableIterator<FormattedExecutionResult<Data>> {
  return(): Promise<IteratorResult<FormattedExecutionResult<Data>, void>>;
}

export interface RealtimeClient {
  /**
   * Events in order, as results with `data` and, where fields have failed, `errors`. Where the field takes `after: $after` and selects the `cursor`
   * of its events, nothing is missed and nothing comes twice from the first event on, whatever happens to the connection; with a position in
   * `variables.after`, such as `Room.eventCursor`, from there on. That the log cannot continue there is an event of its own, whose type ends with
   * `ResyncRequired`, behind which it goes on. Such events also have their `__typename`. Any other document begins anew with each connection.
   * Throws a RealtimeError where no other try would help.
   */
  subscribe<Data = Record<string, unknown>>(
    document: string,
    variables?: Record<string, unknown>,
  ): RealtimeSubscription<Data>;
  /** Ends every subscription. */
  close(): void;
}

export function createRealtimeClient(options: RealtimeClientOptions): RealtimeClient {
  const { maxBufferedEvents = 256, onRetry = () => undefined } = options;
  const transport = openTransport(options);
  const settings = { transport, retry: { ...RETRY, ...options.retry }, maxBufferedEvents, onRetry };
  const open = new Set<AbortController>();
  return {
    subscribe<Data>(query: string, variables: Record<string, unknown> = {}) {
      const ending = new AbortController();
      const results = (async function* () {
        open.add(ending);
        try {
          yield* follow<Data>({ query, variables }, settings, ending.signal);
        } finally {
          open.delete(ending);
        }
      })();
      const subscription: RealtimeSubscription<Data> = {
        next: () => results.next(),
        // A generator that waits would not hear of it before its next event.
        return() {
          ending.abort();
          return results.return();
        },
        [Symbol.asyncIterator]: () => subscription,
      };
      return subscription;
    },
    close() {
      for (const ending of open) ending.abort();
      transport.close();
    },
  };
}

function openTransport(options: RealtimeClientOptions): Transport {
  const { transport: kind = 'ws', token = () => null, singleConnection = false } = options;
  const { webSocket, fetch, keepAliveMs = 15_000 } = options;
  const urls = [options.url].flat();
  if (urls.length === 0) throw new TypeError('A realtime client needs an address');
  const tokens = createTokens(token);
  return createTransport({
    urls,
    tokens,
    isShared: kind === 'ws' || singleConnection,
    openLink: (url) =>
      kind === 'ws'
        ? openWebSocketLink({ url, tokens, webSocket, keepAliveMs })
        : openEventStreamLink({ url, tokens, fetch, singleConnection, keepAliveMs }),
  });
}
