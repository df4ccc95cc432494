import { createClient, type Client } from 'graphql-ws/client';
import type { GraphQLFormattedError } from 'graphql';
import { errorOfClose, errorOfConnection, errorOfGraphQL, type RealtimeError } from './realtime-error.ts';
import { renewToken } from './token-renewal.ts';
import type { Credentials, Tokens } from './tokens.ts';
import { LINGER_MS, type Link, type Sink, type SubscriptionRequest } from './transport.ts';

export interface WebSocketLinkOptions {
  /** http or https. */
  readonly url: string;
  readonly tokens: Tokens;
  /** In place of the global WebSocket. */
  readonly webSocket?: unknown;
  /** A socket is pinged so often, and dropped where no answer comes for as long: a dead network closes nothing. It has twice as long to open. */
  readonly keepAliveMs: number;
}

/**
 * graphql-transport-ws. Each socket has a graphql-ws client of its own: one that is used again takes the late end of its last socket for that
 * of the new one, and subscribes anew by itself, from where it began, after a normal closure.
 */
export function openWebSocketLink({ url, tokens, webSocket, keepAliveMs }: WebSocketLinkOptions): Link {
  let credentials: Credentials = {};
  const running = new Set<(error: RealtimeError) => void>();
  const client = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: webSocket,
    connectionParams: async () => ({ ...(credentials = await tokens.current()) }),
    retryAttempts: 0,
    lazyCloseTimeout: LINGER_MS,
    keepAlive: keepAliveMs,
  });
  client.on('closed', (event) => {
    for (const failed of running) failed(errorOf(event));
  });
  terminateWhenSilent(client, keepAliveMs);
  renewToken(client, async () => (credentials = await tokens.renewed()));
  return {
    url,
    credentials: () => credentials,
    subscribe<Data>(request: SubscriptionRequest, sink: Sink<Data>) {
      const failed = (error: RealtimeError) => sink.failed(error);
      running.add(failed);
      const stop = client.subscribe<Data, Record<string, unknown>>(
        { ...request },
        {
          next: (result) => sink.next(result),
          error: (error) => failed(errorOf(error)),
          complete: () => sink.completed(),
        },
      );
      return () => {
        running.delete(failed);
        stop();
      };
    },
    // It rejects where the socket was never open.
    close: () => void Promise.resolve(client.dispose()).catch(() => undefined),
  };
}

function terminateWhenSilent(client: Client, silenceMs: number): void {
  let silence: ReturnType<typeof setTimeout> | null = null;
  const hear = () => {
    if (silence !== null) clearTimeout(silence);
    silence = null;
  };
  const expect = (withinMs: number) => {
    hear();
    silence = setTimeout(() => client.terminate(), withinMs);
  };
  client.on('connecting', () => expect(2 * silenceMs));
  client.on('connected', hear);
  client.on('ping', (isReceived) => isReceived || expect(silenceMs));
  // An answer may have to wait behind many events.
  client.on('message', () => silence !== null && expect(silenceMs));
  client.on('pong', (isReceived) => isReceived && hear());
  client.on('error', hear);
  client.on('closed', hear);
}

function errorOf(error: unknown): RealtimeError {
  if (isErrors(error)) return errorOfGraphQL(error);
  return isCloseEvent(error) ? errorOfClose(error.code, error.reason) : errorOfConnection(error);
}

const isErrors = (error: unknown): error is readonly GraphQLFormattedError[] => Array.isArray(error);

const isCloseEvent = (event: unknown): event is { readonly code: number; readonly reason: string } =>
  event instanceof Object && 'code' in event && typeof event.code === 'number' && 'reason' in event;
