import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { CodedError, ERROR_STATUS } from './errors.ts';
import type { Log } from './log.ts';
import { readTarget } from './request-target.ts';

export interface HttpRoute {
  /** Methods that the route answers, for example `['GET']`; GET routes answer HEAD too. Anything else gets 405. */
  readonly methods: readonly string[];
  /** An exact path, or a prefix that ends in `/*`. */
  readonly path: string;
  /** Answers the request itself. A CodedError that it throws is answered as JSON; anything else becomes a masked 500. */
  readonly handle: (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void> | void;
}

export interface UpgradeRoute {
  readonly path: string;
  readonly handle: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

export interface HttpListener {
  /** The port that was really bound: the one asked for, or the system's choice for 0. */
  readonly port: number;
  readonly server: Server;
  /** Stops listening, lets requests in flight finish for `graceMs`, then closes what is left. */
  close(graceMs?: number): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly routes: readonly HttpRoute[];
  readonly upgrades?: readonly UpgradeRoute[];
  readonly log: Log;
}

const CLOSE_GRACE_MS = 5_000;
// A client that dribbles its headers is cut soon; a body may be an upload over a slow line.
const HEADERS_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 15 * 60_000;
/** Of a request's head, its target included: the next byte gets 431. */
const MAX_HEADER_BYTES = 32 * 1024;
/** Longer than the 60 s of usual balancers: one that sends into a connection which is just being closed here answers 502 to its client. */
const KEEP_ALIVE_MS = 65_000;
/** How long the rest of a body is thrown away after an early answer, before its connection is cut. */
const LINGER_MS = 5_000;

/** Listens, and resolves once it does. A port in use or a wrong address rejects with a message that names it. */
export async function listen({
  host,
  port,
  routes,
  upgrades = [],
  log,
}: ListenOptions): Promise<HttpListener> {
  const upgraded = new Set<Duplex>();
  /**
   * The last answer of each open connection: once it has gone, those before it have, too. Kept by connection, because a Set of answers that come and go would
   * move to new tables all the time, each of which V8 keeps reachable from the one before, with what was in it.
   */
  const latest = new Map<Duplex, ServerResponse>();
  const server = createServer({
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    // Of two that should be one Node would take the first, and others the last. Joined they are neither.
    joinDuplicateHeaders: true,
    shouldUpgradeCallback: (request) => isUpgrade(request, latest.get(request.socket)),
  });
  // A connection that was busy when closing began would otherwise idle until its keep-alive is over.
  const onAnswered = () => {
    if (!server.listening) setImmediate(() => server.closeIdleConnections());
  };
  server.on('request', (request, response) => {
    // Nobody would get the answer to what stands behind a request whose connection ends with it.
    if (latest.get(request.socket)?.getHeader('connection') === 'close') return;
    latest.set(request.socket, response);
    if (!server.listening) announceEnd(response);
    response.on('close', onAnswered).on('finish', onSent);
    void answer(routes, request, response, log);
  });
  server.on('connection', (socket) => socket.once('close', () => latest.delete(socket)));
  server.on('upgrade', (request, socket, head) => {
    upgraded.add(socket);
    socket.once('close', () => upgraded.delete(socket));
    upgrade(upgrades, request, socket, head);
  });
  server.on('connect', (_request, socket) => refuseUpgrade(socket, '405 Method Not Allowed'));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
    server.listen(port, host, resolve);
  });
  // For example too many open files at an accept: the next client may have more luck.
  server.on('error', (error) => log.error({ err: error }, 'listener failed'));
  return {
    port: (server.address() as AddressInfo).port,
    server,
    close: (graceMs) => closeServer(server, latest, upgraded, graceMs),
  };
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE')
    return new Error(`Port ${port} on ${host} is in use. Free it or set PORT to another.`);
  if (error.code === 'EACCES')
    return new Error(`Port ${port} on ${host} needs more rights. Set PORT to one above 1023.`);
  return new Error(`Cannot listen on ${host}:${port}: ${error.message}`);
}

/** Whether the protocol changes. What only offers another one is answered as it stands (RFC 9110, 7.8). */
function isUpgrade({ headers }: IncomingMessage, before: ServerResponse | undefined): boolean {
  // Answers to what was asked before on this connection would get among the frames.
  if (before && !before.writableFinished) return false;
  // Java's HTTP client, and curl --http2, offer h2c with plain requests.
  return /\bwebsocket\b/i.test(headers.upgrade ?? '');
}

async function closeServer(
  server: Server,
  latest: ReadonlyMap<Duplex, ServerResponse>,
  upgraded: ReadonlySet<Duplex>,
  graceMs = CLOSE_GRACE_MS,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const response of latest.values()) announceEnd(response);
  const timer = setTimeout(() => {
    server.closeAllConnections();
    // The server does not know these any more, but waits for them.
    for (const socket of upgraded) socket.destroy();
  }, graceMs);
  await closed;
  clearTimeout(timer);
}

/** Its connection is about to be closed: a client that is not told could send its next request into the void. */
function announceEnd(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}

async function answer(
  routes: readonly HttpRoute[],
  request: IncomingMessage,
  response: ServerResponse,
  log: Log,
): Promise<void> {
  try {
    const url = targetOf(request, response);
    const route = routes.find(({ path }) => matches(path, url.pathname));
    if (!route) throw new CodedError('NOT_FOUND', `Nothing is served at ${url.pathname}.`);
    if (!allows(route, request.method)) {
      response.setHeader('allow', allowedMethods(route).join(', '));
      throw new CodedError(
        'METHOD_NOT_ALLOWED',
        `${url.pathname} answers ${route.methods.join(' and ')} only.`,
      );
    }
    await route.handle(request, response, url);
  } catch (error) {
    sendError(response, error, log);
  }
}

/** What stands behind an ambiguous request may be somebody else's, or none at all for a proxy in front. */
function targetOf(request: IncomingMessage, response: ServerResponse): URL {
  try {
    return readTarget(request);
  } catch (error) {
    response.setHeader('connection', 'close');
    throw error;
  }
}

function onSent(this: ServerResponse): void {
  if (!this.req.complete) discardRest(this.req);
}

// Cutting the connection while the client still sends would reset it, and the client might never read its answer.
function discardRest(request: IncomingMessage): void {
  const timer = setTimeout(() => request.socket.destroy(), LINGER_MS);
  request.once('close', () => clearTimeout(timer));
  // Whoever it was piped to may not be reading any more.
  request.unpipe().resume();
}

const allowedMethods = ({ methods }: HttpRoute) => (methods.includes('GET') ? [...methods, 'HEAD'] : methods);

const allows = ({ methods }: HttpRoute, method = 'GET') =>
  methods.includes(method) || (method === 'HEAD' && methods.includes('GET'));

const matches = (pattern: string, path: string) =>
  pattern.endsWith('/*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern;

function upgrade(
  routes: readonly UpgradeRoute[],
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  // Without a listener an `error` event on this raw socket would end the process.
  socket.on('error', () => socket.destroy());
  try {
    const { pathname } = readTarget(request);
    const route = routes.find(({ path }) => path === pathname);
    if (route) route.handle(request, socket, head);
    else refuseUpgrade(socket, '404 Not Found');
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const status = ERROR_STATUS[error.code];
    refuseUpgrade(socket, `${status} ${STATUS_CODES[status] ?? ''}`);
  }
}

/** Answers a request for another protocol with `status` and closes its connection. `headers` are further lines, each with its end. */
export function refuseUpgrade(socket: Duplex, status: string, headers = ''): void {
  // Destroyed, because the server lets the other side keep a socket half open for ever.
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n${headers}content-length: 0\r\n\r\n`, () =>
    socket.destroy(),
  );
}

function sendError(response: ServerResponse, error: unknown, log: Log): void {
  if (response.destroyed || response.req.errored) {
    // Nobody is left to answer, and what a client does to its connection is no failure of ours.
    log.debug({ err: error }, 'the client went away');
    return;
  }
  if (!(error instanceof CodedError)) log.error({ err: error }, 'http request failed');
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const shown =
    error instanceof CodedError ? error : new CodedError('INTERNAL_SERVER_ERROR', 'Internal server error.');
  const { code, message, details } = shown;
  sendJson(response, ERROR_STATUS[code], { errors: [{ message, extensions: { ...details, code } }] });
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  sendText(response, status, 'application/json; charset=utf-8', JSON.stringify(value));
}

export function sendText(response: ServerResponse, status: number, contentType: string, text: string): void {
  const body = Buffer.from(text);
  response.writeHead(status, { 'content-type': contentType, 'content-length': body.length });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** Header values as single strings, names in lower case; a header that came twice is joined with a comma. */
export function plainHeaders(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}
