import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Log } from '#platform/log.ts';
import { CLOSE_CODES, isAnotherVersion, SUBPROTOCOL, type CloseReason } from '#schema/signalling.ts';
import type { MediaLimits } from '../deps.ts';
import { Connection } from './connection.ts';
import { createOverreachLog } from './overreach.ts';
import { answerRequest } from './requests.ts';
import { Session, type SessionDeps } from './session.ts';
import { SignallingError } from './signalling-error.ts';

/** Frames beyond this are not even read; ws closes with 1009 by itself. */
const MAX_READ_BYTES = 256 * 1024;

export interface SocketServerOptions extends SessionDeps {
  readonly isAvailable: () => boolean;
  readonly limits: MediaLimits;
  readonly log: Log;
}

export interface SocketServer {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes what has not authenticated yet; rooms close the rest. */
  close(): void;
}

/** Turns upgrade requests into sessions. */
export function createSocketServer(options: SocketServerOptions): SocketServer {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_READ_BYTES,
    handleProtocols: (offered) => protocolOf([...offered]) ?? false,
  });
  const open = new Set<Connection>();

  const accept = (socket: WebSocket) => {
    // Accepted first and closed then: a browser shows its script the close code, but never the status of a refused upgrade.
    if (socket.protocol !== SUBPROTOCOL) return refuse(socket, 'VERSION_UNSUPPORTED');
    if (!options.isAvailable()) return refuse(socket, 'MEDIA_UNAVAILABLE');
    const connection = startSession(socket, options, () => open.delete(connection));
    open.add(connection);
  };

  return {
    handleUpgrade(request, socket, head) {
      if (!offersProtocol(request)) return rejectUpgrade(socket);
      server.handleUpgrade(request, socket, head, accept);
    },
    close() {
      for (const connection of open) connection.close('SERVER_SHUTDOWN');
      server.close();
    },
  };
}

function startSession(socket: WebSocket, options: SocketServerOptions, onClosed: () => void): Connection {
  const session = new Session(options, () => connection);
  const tellOverreach = createOverreachLog(options.log);
  const deadline = setTimeout(() => {
    if (!session.authenticated) connection.close('AUTHENTICATION_TIMEOUT');
  }, options.limits.authenticationDeadlineMs);
  const connection: Connection = new Connection(socket, {
    log: options.log,
    heartbeatMs: options.limits.heartbeatMs,
    onRequest: (method, data) =>
      answerRequest(session, method, data).catch((error: unknown) => {
        const { participant } = session;
        if (participant && error instanceof SignallingError && error.code === 'FORBIDDEN')
          tellOverreach({ ...participant, method, code: error.code });
        throw error;
      }),
    onClosed: (reason) => {
      clearTimeout(deadline);
      onClosed();
      session.ended(reason);
    },
  });
  return connection;
}

function refuse(socket: WebSocket, reason: CloseReason): void {
  socket.on('error', () => socket.terminate());
  socket.close(CLOSE_CODES[reason], reason);
}

/** Ours where it is offered, else another version of it, else undefined. */
const protocolOf = (offered: readonly string[]): string | undefined =>
  offered.find((name) => name === SUBPROTOCOL) ?? offered.find(isAnotherVersion);

const offersProtocol = ({ headers }: IncomingMessage): boolean =>
  protocolOf((headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())) !== undefined;

function rejectUpgrade(socket: Duplex): void {
  const body = `This WebSocket speaks ${SUBPROTOCOL}.`;
  // Destroyed, because the server lets the other side keep a socket half open for ever.
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
