import { createClient, NetworkError } from 'graphql-sse';
import { errorOfConnection, errorOfResponse, type RealtimeError } from './realtime-error.ts';
import { fetchWhileHeard } from './heard-fetch.ts';
import type { Credentials, Tokens } from './tokens.ts';
import { LINGER_MS, type Link, type Sink, type SubscriptionRequest } from './transport.ts';

export interface EventStreamLinkOptions {
  readonly url: string;
  readonly tokens: Tokens;
  /** In place of the global fetch. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Whether several subscriptions share one response, each with a request of its own to begin and to end it. */
  readonly singleConnection: boolean;
  /** A request is dropped where nothing comes for twice this long; the gateway sends a heartbeat every 12 s. */
  readonly keepAliveMs: number;
}

/** Server-sent events, by the protocol of graphql-sse. */
export function openEventStreamLink(options: EventStreamLinkOptions): Link {
  const { url, tokens, fetch = globalThis.fetch, singleConnection, keepAliveMs } = options;
  let credentials: Credentials = {};
  let isConnected = false;
  const fetchHeard = fetchWhileHeard(fetch, 2 * keepAliveMs);
  const client = createClient<boolean>({
    url,
    singleConnection,
    // What was let go while it was asked for on a shared stream would run on there: graphql-sse ends only what it knows to be accepted.
    fetchFn: (to: string, init: RequestInit) =>
      fetchHeard(to, singleConnection && init.method === 'POST' ? { ...init, signal: null } : init),
    // A copy: it adds headers of its own.
    headers: async () => ({ ...(credentials = await tokens.current()) }),
    on: { connected: () => (isConnected = true) },
    retryAttempts: 0,
    lazyCloseTimeout: LINGER_MS,
  });
  const errorOf = async (cause: unknown): Promise<RealtimeError> => {
    const response: unknown = cause instanceof NetworkError ? cause.response : null;
    if (!(response instanceof Response)) return errorOfConnection(cause);
    // Of the shared stream, which has ended meanwhile.
    if (singleConnection && isConnected && response.status === 404) return errorOfConnection(cause);
    return errorOfResponse(response.status, await response.text().catch(() => ''));
  };
  return {
    url,
    credentials: () => credentials,
    subscribe: <Data>(request: SubscriptionRequest, sink: Sink<Data>) =>
      client.subscribe<Data, Record<string, unknown>>(
        { ...request },
        {
          next: (result) => sink.next(result),
          error: async (error) => sink.failed(await errorOf(error)),
          complete: () => sink.completed(),
        },
      ),
    close: () => client.dispose(),
  };
}
