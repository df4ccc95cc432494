import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError, parse, type ExecutionArgs, type FormattedExecutionResult } from 'graphql';
import { handleProtocols } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { z } from 'zod';
import { messageOf } from './errors.ts';
import type { Log } from './log.ts';
import type { GraphQLRequest, RequestScope, SubgraphEndpoint } from './subgraph-endpoint.ts';

const MAX_MESSAGE_BYTES = 1024 * 1024;
const MAX_TOKENS = 15_000;
const CLOSE_GRACE_MS = 2_000;

/** The gateway shares one socket among callers, so each operation brings the headers that say for whom it runs. */
const operationHeaders = z.object({ headers: z.record(z.string(), z.string()) });

interface Operation {
  readonly request: GraphQLRequest;
  readonly scope: RequestScope;
}

export interface SubgraphSocket {
  readonly handleUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Ends every subscription and closes every socket; a client that does not answer within `graceMs` is cut off. */
  close(graceMs?: number): Promise<void>;
}

const operationOf = (args: ExecutionArgs) => args.contextValue as Operation;

/** Serves an endpoint over graphql-transport-ws. */
export function createSubgraphSocket(endpoint: SubgraphEndpoint, log: Log): SubgraphSocket {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, handleProtocols });
  const stopping = new AbortController();

  const disposable = useServer(
    {
      onSubscribe: (_context, _id, payload) => {
        try {
          const document = parse(payload.query, { maxTokens: MAX_TOKENS });
          const contextValue: Operation = { request: payload, scope: scopeOf(payload, stopping.signal) };
          // graphql-ws asks for a schema although execute and subscribe below need none of it.
          return { document, operationName: payload.operationName, contextValue } as unknown as ExecutionArgs;
        } catch (error) {
          return [new GraphQLError(messageOf(error), { extensions: { code: 'GRAPHQL_PARSE_FAILED' } })];
        }
      },
      execute: (args) => endpoint.execute(operationOf(args).request, operationOf(args).scope) as never,
      subscribe: (args) => endpoint.subscribe(operationOf(args).request, operationOf(args).scope) as never,
      // Results are formatted already; without this hook graphql-ws would call toJSON() on their plain errors.
      onNext: (_context, _id, _payload, _args, result) => result as FormattedExecutionResult,
      onError: (_context, _id, payload, errors) => {
        log.debug({ operation: payload.operationName, errors: errors.length }, 'operation refused');
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
      stopping.abort();
      const clients = [...sockets.clients];
      const timer = setTimeout(() => clients.forEach((client) => client.terminate()), graceMs);
      await disposable.dispose();
      clearTimeout(timer);
    },
  };
}

function scopeOf(payload: { extensions?: unknown }, signal: AbortSignal): RequestScope {
  const parsed = operationHeaders.safeParse(payload.extensions);
  return { headers: parsed.success ? parsed.data.headers : {}, signal };
}
