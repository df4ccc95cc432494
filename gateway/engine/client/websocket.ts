import { createClient, type Client, type Sink } from 'graphql-ws';
import type { FormattedExecutionResult } from 'graphql';
import { WebSocket } from 'ws';
import { CodedError } from '#platform/errors.ts';
import type { ResultStream } from '#platform/subgraph-endpoint.ts';
import { EventQueue } from './event-queue.ts';
import { createHeartbeat, type Heartbeat } from './heartbeat.ts';
import { createStartNotices, type StartNotices } from './start-notices.ts';
import { allVariables, type SubgraphClient, type SubgraphFetch } from './subgraph-client.ts';

export interface WebSocketClientOptions {
  /** Shown in errors. */
  readonly name: string;
  /** http, https, ws or wss; the scheme is turned into that of a socket. */
  readonly url: string;
  /** A socket that answers no ping for this long is given up, and with it every subscription on it. */
  readonly pingTimeoutMs?: number;
  readonly pingEveryMs?: number;
  readonly connectTimeoutMs?: number;
  /** Events waiting for a reader that is too slow; past this the subscription ends with an error. */
  readonly maxQueuedEvents?: number;
  readonly maxMessageBytes?: number;
  /** An event came past `maxQueuedEvents`. */
  readonly onDropped?: () => void;
}

const DEFAULTS = {
  pingTimeoutMs: 5_000,
  pingEveryMs: 20_000,
  connectTimeoutMs: 5_000,
  maxQueuedEvents: 1_000,
  maxMessageBytes: 8 * 1024 * 1024,
};
/** The socket stays this long without subscriptions, for the next one. Its timer also holds up the end of the process. */
const IDLE_MS = 1_000;

type Settings = typeof DEFAULTS & Pick<WebSocketClientOptions, 'name' | 'onDropped'>;

/**
 * Subscriptions over one graphql-transport-ws socket per subgraph, shared by all callers; each operation brings its headers in
 * `extensions.headers`. A lost socket ends every stream on it with SUBGRAPH_UNAVAILABLE: subscribing again silently would hide that events
 * were missed, so that is left to clients, who know their cursor. The next subscription connects anew.
 */
export function createWebSocketClient(
  options: WebSocketClientOptions,
): Pick<SubgraphClient, 'subscribe' | 'close'> {
  const settings = { ...DEFAULTS, ...options };
  const url = socketUrl(options);
  const heartbeat = createHeartbeat(settings.pingTimeoutMs);
  const starts = createStartNotices();
  const client = createClient({
    url,
    webSocketImpl: limitedSocket(settings),
    retryAttempts: 0,
    lazyCloseTimeout: IDLE_MS,
    keepAlive: settings.pingEveryMs,
    connectionAckWaitTimeout: settings.connectTimeoutMs,
    on: heartbeat.listeners,
  });
  client.on('ping', (wasReceived, payload) => void (wasReceived && starts.heard(payload)));
  return {
    subscribe: (request) => subscribe(client, heartbeat, starts, settings, request),
    close: async () => {
      await client.dispose();
      heartbeat.stop();
    },
  };
}

function socketUrl({ name, url }: WebSocketClientOptions): string {
  const parsed = URL.parse(url);
  if (!parsed || !/^(http|ws)s?:$/.test(parsed.protocol)) {
    throw new CodedError('INTERNAL_SERVER_ERROR', `The subgraph ${name} has no usable URL.`);
  }
  parsed.protocol = parsed.protocol.replace('http', 'ws');
  return parsed.href;
}

function limitedSocket({ connectTimeoutMs, maxMessageBytes }: Settings) {
  return class extends WebSocket {
    constructor(address: string, protocols: string) {
      super(address, protocols, {
        handshakeTimeout: connectTimeoutMs,
        maxPayload: maxMessageBytes,
        perMessageDeflate: false,
      });
    }
  };
}

async function subscribe(
  client: Client,
  heartbeat: Heartbeat,
  starts: StartNotices,
  { name, maxQueuedEvents, onDropped }: Settings,
  request: SubgraphFetch,
): Promise<ResultStream | FormattedExecutionResult> {
  const { promise: opened, resolve } = Promise.withResolvers<Opening>();
  let dispose: (() => void) | undefined;
  const start = starts.expect(request.onStart);
  const queue = new EventQueue({
    maxQueued: maxQueuedEvents,
    signal: request.signal,
    stop: () => {
      start.forget();
      dispose?.();
    },
    onDropped,
  });
  dispose = client.subscribe(payload(request, start.token), sinkOf(name, queue, resolve));
  // The protocol acknowledges no subscription. Messages are handled in order, so the first pong says that it arrived; the second round trip
  // leaves the subgraph time to refuse it, or to begin listening.
  void heartbeat
    .nextPong()
    .then(() => heartbeat.nextPong())
    .then(() => resolve('live'));
  const outcome = await opened;
  if (outcome instanceof CodedError) throw outcome;
  if (outcome === 'live') return queue.stream;
  await queue.stream.return();
  return outcome;
}

/** What the first message says of a subscription, or that none came in time to refuse it. */
type Opening = FormattedExecutionResult | CodedError | 'live';

type Results = Sink<FormattedExecutionResult<Record<string, unknown>, Record<string, unknown>>>;

function sinkOf(name: string, queue: EventQueue, open: (opening: Opening) => void): Results {
  const lose = (cause: unknown) => {
    const message = `The subgraph ${name} ended the subscription or could not be reached.`;
    const error = new CodedError('SUBGRAPH_UNAVAILABLE', message, {}, cause);
    queue.fail(error);
    open(error);
  };
  return {
    next: (result) => {
      queue.push(result);
      // A refusal that comes as a result has no `data` at all; an event has, be it null.
      open(result.errors && result.data === undefined ? { errors: result.errors } : 'live');
    },
    error: (error) => {
      // A list is the protocol's `error` message: the subgraph refused the operation, or ended it for a reason.
      const errors = Array.isArray(error) ? (error as FormattedExecutionResult['errors']) : undefined;
      if (!errors) return lose(error);
      open({ errors });
      queue.push({ errors });
      queue.end();
    },
    complete: () => {
      queue.end();
      open('live');
    },
  };
}

function payload(request: SubgraphFetch, startToken: string | undefined) {
  const { query, operationName } = request.operation;
  const extensions = { headers: request.headers, startToken };
  return { query, operationName, variables: allVariables(request), extensions };
}
