import { once } from 'node:events';
import { rmdirSync, rmSync } from 'node:fs';
import {
  createServer,
  request as send,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CodedError } from '#platform/errors.ts';
import type { HttpRoute } from '#platform/http.ts';
import type { Log } from '#platform/log.ts';
import { streamTokenOf } from '../subscriptions/stream-token.ts';

/** One of several workers that share a port. */
export interface Place {
  readonly slot: number;
  /** Where workers listen for each other, each under its slot. Nobody else may enter it. */
  readonly folder: string;
}

/**
 * Reserved event streams live in one worker, while any worker may get the next request about one: it passes that on to the one that the
 * token names, and its answer back.
 */
export interface StreamRelay {
  /** What tokens of this worker begin with. */
  readonly tokenPrefix: string;
  /** The route for clients: requests about streams of other workers go there. */
  around(route: HttpRoute): HttpRoute;
  /** Answers what other workers pass on, by the route as it is. Resolves once it listens. */
  listen(route: HttpRoute): Promise<void>;
  close(): Promise<void>;
}

/** Address of the client, told from one worker to another. */
const ADDRESS_HEADER = 'x-veza-relayed-for';
/** What belongs to a connection, and not to what is passed on over another one (RFC 9110, 7.6.1). */
const OF_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'expect',
]);
const OWNER = /^(\d{1,3})\./;

export function createStreamRelay({ slot, folder }: Place, log: Log): StreamRelay {
  const pathOf = (owner: number) => join(folder, String(owner));
  let server: Server | null = null;
  return {
    tokenPrefix: `${slot}.`,
    around: (route) => ({
      ...route,
      async handle(request, response, url) {
        const owner = ownerOf(request, url);
        const socket = owner === null || owner === slot ? null : await connectTo(pathOf(owner));
        if (socket) await passOn(request, response, socket);
        else await route.handle(request, response, url);
      },
    }),
    async listen(route) {
      const path = pathOf(slot);
      // Of the worker that this one replaces.
      rmSync(path, { force: true });
      server = createServer((request, response) => void answer(route, request, response, log));
      // Not by way of the primary, which would deal its connections out.
      server.listen({ path, exclusive: true });
      await once(server, 'listening');
      process.once('exit', () => removeTraces(path, folder));
    },
    async close() {
      server?.close();
      server?.closeAllConnections();
    },
  };
}

/** The worker that has the stream which a request is about; null where it is about none. */
function ownerOf(request: IncomingMessage, url: URL): number | null {
  // A reservation is for whoever gets it, though its client may still send the token of another stream.
  if (request.method === 'PUT' || request.method === 'OPTIONS') return null;
  const owner = OWNER.exec(streamTokenOf(request, url) ?? '')?.[1];
  return owner === undefined ? null : Number(owner);
}

/** Null where no worker listens: it has ended, and its streams with it. */
async function connectTo(path: string): Promise<Socket | null> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return socket;
  } catch {
    return null;
  }
}

async function passOn(request: IncomingMessage, response: ServerResponse, socket: Socket): Promise<void> {
  const { method, url: path } = request;
  const headers = {
    ...withoutConnection(request.headers),
    [ADDRESS_HEADER]: request.socket.remoteAddress ?? '',
  };
  const passed = send({ createConnection: () => socket, method, path, headers });
  // Where it fails after its answer has begun, that says so.
  passed.on('error', () => undefined);
  response.once('close', () => passed.destroy());
  const answered = once(passed, 'response');
  request.pipe(passed);
  const [answer] = (await answered.catch((error: unknown) => {
    throw new CodedError('SERVICE_UNAVAILABLE', 'The event stream is lost. Reserve another one.', {}, error);
  })) as [IncomingMessage];
  response.writeHead(answer.statusCode ?? 502, withoutConnection(answer.headers));
  // Either may go away in the middle, and then the other one has to know.
  await pipeline(answer, response).catch(() => response.destroy());
}

const withoutConnection = (headers: IncomingMessage['headers']): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_CONNECTION.has(name)));

async function answer(
  route: HttpRoute,
  request: IncomingMessage,
  response: ServerResponse,
  log: Log,
): Promise<void> {
  const address = request.headers[ADDRESS_HEADER];
  delete request.headers[ADDRESS_HEADER];
  // Limits and subgraphs are about the client: the connection is its own, and no other request comes over it.
  Object.defineProperty(request.socket, 'remoteAddress', { value: address || undefined });
  try {
    await route.handle(request, response, new URL(request.url ?? '/', 'http://localhost'));
  } catch (error) {
    log.error({ err: error }, 'relayed request failed');
    response.destroy();
  }
}

/** The primary removes the folder, unless it has been killed: then the last worker does. */
function removeTraces(path: string, folder: string): void {
  rmSync(path, { force: true });
  if (process.connected) return;
  try {
    rmdirSync(folder);
  } catch {
    // Another worker is still to go.
  }
}
