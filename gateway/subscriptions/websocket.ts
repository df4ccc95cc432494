import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL, handleProtocols } from 'graphql-ws';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import { refuseUpgrade, type UpgradeRoute } from '#platform/http.ts';
import { messageOf } from '#platform/errors.ts';
import type { Cors } from '../http/cors.ts';
import type { SocketRefusal } from '../metrics.ts';
import { createShedLog } from '../telemetry/shed-log.ts';
import {
  CLOSE_GOING_AWAY,
  CLOSE_TIMED_OUT,
  CLOSE_TRY_LATER,
  Connection,
  type ConnectionOptions,
} from './connection.ts';
import { SOCKET_LIMITS, type SocketLimits } from './socket-limits.ts';

export interface SocketServerOptions extends Omit<ConnectionOptions, 'limits' | 'address'> {
  readonly cors: Cors;
  readonly limits?: Partial<SocketLimits>;
}

export interface SocketServer {
  readonly upgrade: UpgradeRoute;
  endSession(sessionId: string): void;
  /**
   * Takes no more sockets and closes the open ones with 1001, spread over `spreadMs` so that their clients do not all come back at
   * the same moment. Resolves once they are gone.
   */
  close(spreadMs: number): Promise<void>;
}

/** Characters of what a client says of itself. */
const MAX_LOGGED = 200;

/** Serves graphql-transport-ws on `/graphql`. */
export function createSocketServer(options: SocketServerOptions): SocketServer {
  const limits = { ...SOCKET_LIMITS, ...options.limits };
  const { cors, clients, metrics } = options;
  const connections = new Set<Connection>();
  let isClosing = false;
  const server = createServer(limits);
  const sweeper = setInterval(() => sweep(connections, limits), limits.sweepMs);

  const accept = (socket: WebSocket, stream: Duplex, request: IncomingMessage) => {
    metrics.socketOpened();
    const address = clients.ofAddress(request);
    const connection = new Connection(socket, stream, request, { ...options, address, limits });
    connections.add(connection);
    socket.once('close', (code) => {
      connections.delete(connection);
      metrics.socketClosed(code);
    });
    if (socket.protocol !== GRAPHQL_TRANSPORT_WS_PROTOCOL)
      return connection.close(CloseCode.SubprotocolNotAcceptable, 'Subprotocol not acceptable');
    try {
      address.socket();
      socket.once('close', address.open());
    } catch (error) {
      connection.close(CLOSE_TRY_LATER, messageOf(error));
    }
  };
  const refusals = createRefusals(options);
  return {
    upgrade: {
      path: '/graphql',
      handle(request, socket, head) {
        const reason = isClosing ? 'closing' : cors.allows(request) ? null : 'origin';
        if (reason) return refusals.refuse(reason, request, socket);
        const isOpen = shakeHands(server, request, socket, head, accept);
        if (!isOpen) refusals.count('handshake', request);
      },
    },
    endSession(sessionId) {
      for (const connection of connections)
        if (connection.sessionId === sessionId)
          connection.close(CloseCode.Forbidden, 'The session was ended.');
    },
    async close(spreadMs) {
      isClosing = true;
      await closeAll(connections, spreadMs);
      clearInterval(sweeper);
      refusals.close();
    },
  };
}

/** False where the request is no handshake; it has been answered by then. */
function shakeHands(
  server: WebSocketServer,
  request: IncomingMessage,
  stream: Duplex,
  head: Buffer,
  accept: (socket: WebSocket, stream: Duplex, request: IncomingMessage) => void,
): boolean {
  let isOpen = false;
  server.handleUpgrade(request, stream, head, (socket) => {
    isOpen = true;
    accept(socket, stream, request);
  });
  return isOpen;
}

const STATUS = { closing: '503 Service Unavailable', origin: '403 Forbidden' } as const;

/** Requests for a socket that get none. */
function createRefusals({ metrics, log }: Pick<SocketServerOptions, 'metrics' | 'log'>) {
  const lines = createShedLog(log);
  const count = (reason: SocketRefusal, { headers: { origin } }: IncomingMessage) => {
    metrics.socketRefused(reason);
    if (lines.isFirst(reason)) log.warn({ reason, origin: origin?.slice(0, MAX_LOGGED) }, 'socket refused');
  };
  return {
    count,
    refuse(reason: keyof typeof STATUS, request: IncomingMessage, socket: Duplex) {
      count(reason, request);
      refuseUpgrade(socket, STATUS[reason]);
    },
    close: lines.close,
  };
}

function createServer(limits: SocketLimits): WebSocketServer {
  // Its types do not know `closeTimeout` yet.
  const options: ServerOptions & { readonly closeTimeout: number } = {
    noServer: true,
    maxPayload: limits.maxMessageBytes,
    handleProtocols,
    // Answered by the connection, which minds a peer that reads nothing.
    autoPong: false,
    clientTracking: false,
    closeTimeout: limits.closeTimeoutMs,
  };
  return new WebSocketServer(options);
}

function sweep(connections: ReadonlySet<Connection>, limits: SocketLimits): void {
  const nowMs = Date.now();
  for (const connection of connections) {
    const [code, reason] = closingOf(connection, nowMs, limits);
    if (nowMs >= connection.expiresAtMs && connection.expiryToldAtMs === null) connection.tellExpiry(nowMs);
    if (code !== null) connection.close(code, reason);
    else if (connection.stalledSinceMs === null) keepAlive(connection, nowMs, limits.keepAliveMs);
  }
}

/** Why it is to be closed now. */
function closingOf(
  { isInitialised, openedAtMs, expiryToldAtMs, stalledSinceMs, idleSinceMs }: Connection,
  nowMs: number,
  { initTimeoutMs, stallMs, tokenGraceMs, idleMs = Infinity }: SocketLimits,
): readonly [code: number, reason: string] | readonly [null] {
  if (!isInitialised && nowMs - openedAtMs > initTimeoutMs)
    return [CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout'];
  if (expiryToldAtMs !== null && nowMs - expiryToldAtMs >= tokenGraceMs)
    return [CloseCode.Forbidden, 'Token expired'];
  if (stalledSinceMs !== null && nowMs - stalledSinceMs > stallMs)
    return [CLOSE_TIMED_OUT, 'Client reads too slowly'];
  if (idleSinceMs !== null && nowMs - idleSinceMs > idleMs) return [CLOSE_TIMED_OUT, 'No operation'];
  return [null];
}

// A stalled socket is not read (see Outbox), so that its silence says nothing.
function keepAlive(connection: Connection, nowMs: number, keepAliveMs: number): void {
  const { lastHeardAtMs, pingedAtMs } = connection;
  if (nowMs - lastHeardAtMs <= keepAliveMs) return;
  // The wait is for an answer to the ping: this process may have been held up for longer than its peer was silent.
  // A near peer answers within the same millisecond.
  if (pingedAtMs <= lastHeardAtMs) connection.ping(nowMs);
  else if (nowMs - pingedAtMs > keepAliveMs) connection.terminate();
}

const CLOSE_STEPS = 20;
const CLOSE_HANDSHAKE_MS = 1_000;

async function closeAll(connections: ReadonlySet<Connection>, spreadMs: number): Promise<void> {
  const waiting = [...connections];
  const size = Math.max(1, Math.ceil(waiting.length / CLOSE_STEPS));
  for (let start = 0; start < waiting.length; start += size) {
    for (const connection of waiting.slice(start, start + size))
      connection.close(CLOSE_GOING_AWAY, 'Going away');
    if (start + size < waiting.length) await pause(spreadMs / CLOSE_STEPS);
  }
  const deadlineMs = Date.now() + CLOSE_HANDSHAKE_MS;
  while (connections.size > 0 && Date.now() < deadlineMs) await pause(10);
  for (const connection of connections) connection.terminate();
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
