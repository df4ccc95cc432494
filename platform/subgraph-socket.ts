import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  GraphQLError,
  parse,
  type ExecutionArgs,
  type FormattedExecutionResult,
  type GraphQLFormattedError,
} from 'graphql';
import { handleProtocols } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { z } from 'zod';
import { messageOf } from './errors.ts';
import type { Log } from './log.ts';
import {
  isResultStream,
  type GraphQLRequest,
  type RequestScope,
  type ResultStream,
  type SubgraphEndpoint,
} from './subgraph-endpoint.ts';

const MAX_MESSAGE_BYTES = 1024 * 1024;
const MAX_TOKENS = 15_000;
const CLOSE_GRACE_MS = 2_000;

/**
 * The gateway shares one socket among callers, so each operation brings the headers that say for whom it runs. Who gives a `startToken` is told where
 * a subscription to a log starts, by a ping before its first event: `{ startToken, cursor }`.
 */
const operationExtensions = z.object({
  headers: z.record(z.string(), z.string()).default({}),
  startToken: z.string().max(64).optional(),
});

interface Operation {
  readonly request: GraphQLRequest;
  readonly scope: RequestScope;
}

export interface SubgraphSocket {
  readonly handleUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /**
   * Closes every socket with 1001 and frees its subscriptions without completing them: whoever follows them takes them up elsewhere. A client that
   * does not answer within `graceMs` is cut off.
   */
  close(graceMs?: number): Promise<void>;
}

const operationOf = (args: ExecutionArgs) => args.contextValue as Operation;

/** Serves an endpoint over graphql-transport-ws. */
export function createSubgraphSocket(endpoint: SubgraphEndpoint, log: Log): SubgraphSocket {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, handleProtocols });
  const stopping = new AbortController();

  const disposable = useServer(
    {
      onSubscribe: ({ extra }, _id, payload) => {
        try {
          const document = parse(payload.query, { maxTokens: MAX_TOKENS });
          const ping = (text: object) => extra.socket.send(JSON.stringify({ type: 'ping', payload: text }));
          const contextValue: Operation = {
            request: payload,
            scope: scopeOf(payload, stopping.signal, ping),
          };
          // graphql-ws asks for a schema although execute and subscribe below need none of it.
          return { document, operationName: payload.operationName, contextValue } as unknown as ExecutionArgs;
        } catch (error) {
          return [new GraphQLError(messageOf(error), { extensions: { code: 'GRAPHQL_PARSE_FAILED' } })];
        }
      },
      execute: (args) => endpoint.execute(operationOf(args).request, operationOf(args).scope) as never,
      subscribe: async (args) =>
        untilLast(await endpoint.subscribe(operationOf(args).request, operationOf(args).scope)) as never,
      // Results are formatted already; without this hook graphql-ws would call toJSON() on their plain errors.
      onNext: (_context, _id, _payload, _args, result) => result as FormattedExecutionResult,
      onError: (_context, _id, payload, errors) => {
        log.debug({ operation: payload.operationName, errors: errors.length }, 'operation refused');
        const cause = errors[0]?.originalError;
        return cause instanceof LastResult ? cause.errors : undefined;
      },
    },
    sockets,
  );
  return {
    handleUpgrade: (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (ws) => {
        sockets.emit('connection', ws, request);
        // ws closes a socket that breaks its protocol by itself; graphql-ws would print every such client's stack trace.
        ws.removeAllListeners('error').on('error', (error) => log.debug({ err: error }, 'socket failed'));
      }),
    close: async (graceMs = CLOSE_GRACE_MS) => {
      const clients = [...sockets.clients];
      const timer = setTimeout(() => clients.forEach((client) => client.terminate()), graceMs);
      const gone = disposable.dispose();
      // Only now, when nothing is sent any more: a stream that ends on an open socket would be told as complete.
      stopping.abort();
      await gone;
      clearTimeout(timer);
    },
  };
}

function scopeOf(
  { extensions }: { extensions?: unknown },
  signal: AbortSignal,
  ping: (payload: object) => void,
): RequestScope {
  const parsed = operationExtensions.safeParse(extensions ?? {});
  if (!parsed.success) return { headers: {}, signal };
  const { headers, startToken } = parsed.data;
  if (startToken === undefined) return { headers, signal };
  return { headers, signal, onStart: (cursor) => ping({ startToken, cursor }) };
}

/** A result without data, which ends a subscription: graphql-ws makes a message of the type `error` of what is thrown. */
class LastResult extends Error {
  readonly errors: readonly GraphQLFormattedError[];

  constructor({ errors = [] }: FormattedExecutionResult) {
    super('The subscription ended with an error.');
    this.errors = errors;
  }
}

/** A subscription that is refused, or ends for a reason, must not look like one that is complete: it throws its last result. */
function untilLast(subscribed: ResultStream | FormattedExecutionResult): ResultStream {
  if (!isResultStream(subscribed)) return refusedWith(subscribed);
  const stream: ResultStream = {
    async next() {
      const item = await subscribed.next();
      // An event has data, be it null.
      if (item.done || 'data' in item.value) return item;
      await subscribed.return();
      throw new LastResult(item.value);
    },
    return: () => subscribed.return(),
    throw: (error) => subscribed.throw(error),
    [Symbol.asyncIterator]: () => stream,
    [Symbol.asyncDispose]: () => subscribed[Symbol.asyncDispose](),
  };
  return stream;
}

// oxlint-disable-next-line require-yield -- it ends before its first event
async function* refusedWith(result: FormattedExecutionResult): ResultStream {
  throw new LastResult(result);
}
