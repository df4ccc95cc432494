/**
 * A gateway's subscriptions as they are commonly served: `useServer` of graphql-ws, an upstream for each client, and the plan run for each client
 * and event. Plans are run by our own engine, so that what is compared is the sharing and the sockets, not the engine.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { parse, type ExecutionArgs, type FormattedExecutionResult } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { createLog } from '#platform/log.ts';
import { createHttpClient } from '../../../gateway/engine/client/http.ts';
import { createWebSocketClient } from '../../../gateway/engine/client/websocket.ts';
import { createEngine } from '../../../gateway/engine/create-engine.ts';

const [, , supergraph = '', port = '0'] = process.argv;
const engine = createEngine({
  sdl: readFileSync(supergraph, 'utf8'),
  clients: (name, url) =>
    createHttpClient({ name, url, subscriptions: createWebSocketClient({ name, url }) }),
  log: createLog('baseline', 'warn'),
  live: { sharing: false },
});

const server = createServer((_request, response) => response.end('ok'));
useServer(
  {
    onSubscribe: (_context, _id, { query, variables }) => {
      const document = parse(query);
      // graphql-ws asks for a schema although `subscribe` below needs none of it.
      return { document, contextValue: { query, variables } } as unknown as ExecutionArgs;
    },
    subscribe: ({ contextValue }) =>
      engine.subscribe(contextValue as never, { headers: {}, signal: new AbortController().signal }) as never,
    onNext: (_context, _id, _payload, _args, result) => result as FormattedExecutionResult,
  },
  new WebSocketServer({ server, path: '/graphql' }),
);
server.listen({ host: '127.0.0.1', port: Number(port), backlog: 4_096 });
