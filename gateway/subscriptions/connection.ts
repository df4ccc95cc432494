import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { CloseCode, MessageType, type SubscribeMessage } from 'graphql-ws';
import type { RawData, WebSocket } from 'ws';
import { CodedError } from '#platform/errors.ts';
import { isSameCaller, type Identity } from '../auth/auth.ts';
import type { EngineScope } from '../engine/engine.ts';
import type { Callers, CallingRequest } from '../http/callers.ts';
import type { RequestReport } from '../telemetry/report.ts';
import type { Allowance, ClientLimits } from '../traffic/client-limits.ts';
import { readMessage } from './client-message.ts';
import { authorizationOf, headersIn } from './connection-parameters.ts';
import { Outbox } from './outbox.ts';
import type { SocketLimits } from './socket-limits.ts';
import { SocketOperation, type OperationDeps, type OperationHost } from './socket-operation.ts';

/** Close codes besides those of the protocol. */
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_TRY_LATER = 1013;
/** Retried by clients, which then resume from their cursor. */
export const CLOSE_TIMED_OUT = 4408;

export interface ConnectionOptions extends OperationDeps {
  readonly callers: Callers;
  readonly clients: ClientLimits;
  /** What the client's address may take. */
  readonly address: Allowance;
  readonly limits: Pick<SocketLimits, 'maxOperations' | 'maxBufferedBytes' | 'initHeaders'>;
}

/** RFC 6455, 5.5.1: a control frame has 125 bytes, two of which are the code. */
const MAX_REASON_BYTES = 123;

/** As much of it as fits, in whole characters: `ws` throws for a longer one. */
const closeReason = (reason: string): string =>
  new TextDecoder().decode(Buffer.from(reason).subarray(0, MAX_REASON_BYTES), { stream: true });

/** Some clients send their JSON as binary messages, and the protocol's reference takes it. Throws where it is no text. */
function textOf(data: RawData): string {
  const bytes = Array.isArray(data) ? Buffer.concat(data) : data;
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

type State = 'connected' | 'initialising' | 'acknowledged' | 'closed';

/** One client's socket under graphql-transport-ws. It owns its operations and ends them with itself. */
export class Connection implements OperationHost {
  readonly openedAtMs = Date.now();
  readonly outbox: Outbox;
  readonly deps: ConnectionOptions;
  lastHeardAtMs = Date.now();
  /** Of the last ping; before `lastHeardAtMs` where it was answered. */
  pingedAtMs = 0;
  /** When the client was told that its token has expired; null where it has not. */
  expiryToldAtMs: number | null = null;
  readonly #socket: WebSocket;
  #request: CallingRequest;
  readonly #operations = new Map<string, SocketOperation>();
  #state: State = 'connected';
  #identity: Identity | null = null;
  #authorization: string | undefined;
  #user: Allowance | null = null;
  #forgetUser: (() => void) | null = null;
  #lastOperationAtMs = Date.now();

  /** `stream` is what the socket writes to. */
  constructor(socket: WebSocket, stream: Duplex, request: IncomingMessage, options: ConnectionOptions) {
    this.#socket = socket;
    this.#request = options.callers.keep(request);
    this.deps = options;
    this.outbox = new Outbox(socket, stream, options.limits.maxBufferedBytes);
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.on('ping', (data) => this.outbox.pong(data));
    socket.on('pong', () => (this.lastHeardAtMs = Date.now()));
    // Broken frames and oversize messages arrive here; the socket closes itself with the code that RFC 6455 has for them.
    socket.on('error', (error) => options.log.debug({ err: error }, 'socket failed'));
    socket.once('close', () => this.#end());
  }

  get sessionId(): string | undefined {
    return this.#identity?.viewer.sessionId;
  }

  get expiresAtMs(): number {
    return this.#identity?.expiresAtMs ?? Infinity;
  }

  get isInitialised(): boolean {
    return this.#state !== 'connected';
  }

  /** Since when it has had no operation, or null where it has one, or is not ready for any. */
  get idleSinceMs(): number | null {
    return this.#state === 'acknowledged' && this.#operations.size === 0 ? this.#lastOperationAtMs : null;
  }

  get stalledSinceMs(): number | null {
    return this.outbox.stalledSinceMs;
  }

  ping(nowMs: number): void {
    this.pingedAtMs = nowMs;
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  /** The client may bring another token until the socket is closed for it. */
  tellExpiry(nowMs: number): void {
    this.expiryToldAtMs = nowMs;
    void this.#send({ type: MessageType.Ping, payload: { tokenExpiresInMs: 0 } });
  }

  close(code: number, reason: string): void {
    this.#end();
    this.#socket.close(code, closeReason(reason));
  }

  /** For a peer that does not answer: a closing handshake would wait for it in vain. */
  terminate(): void {
    this.#end();
    this.#socket.terminate();
  }

  #end(): void {
    this.#state = 'closed';
    for (const operation of this.#operations.values()) operation.stop();
    this.#forgetUser?.();
    this.#forgetUser = null;
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.lastHeardAtMs = Date.now();
    if (this.#state === 'closed') return;
    try {
      const message = readMessage(isBinary ? textOf(data) : data.toString());
      if (message.type === MessageType.ConnectionInit) void this.#initialise(message.payload);
      else if (message.type === MessageType.Ping) void this.#answerPing(message.payload);
      else if (message.type === MessageType.Subscribe) this.#start(message);
      else if (message.type === MessageType.Complete) this.#stop(message.id);
      else if (message.type !== MessageType.Pong) throw new Error('a message of the server');
    } catch {
      this.close(CloseCode.BadRequest, 'Invalid message received');
    }
  }

  async #initialise(payload: Record<string, unknown> | undefined): Promise<void> {
    if (this.#state !== 'connected')
      return this.close(CloseCode.TooManyInitialisationRequests, 'Too many initialisation requests');
    this.#state = 'initialising';
    try {
      this.#authorization = authorizationOf(payload) ?? this.#request.headers.authorization;
      this.#tell(headersIn(payload, this.deps.limits.initHeaders));
      const identity = await this.deps.callers.identify(this.#authorization);
      if (this.#state !== 'initialising') return;
      this.#user = this.deps.clients.ofIdentity(identity);
      this.#forgetUser = this.#user.open();
      this.#identity = identity;
      this.#state = 'acknowledged';
      this.#lastOperationAtMs = Date.now();
      await this.#send({ type: MessageType.ConnectionAck, payload: this.#tokenLife() });
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** What a proxy has put into the request stays: nobody says otherwise behind its back. */
  #tell(headers: Readonly<Record<string, string>>): void {
    this.#request = { ...this.#request, headers: { ...headers, ...this.#request.headers } };
  }

  /** A ping may bring a fresh token of the same session, so that the socket outlives the one before. */
  async #answerPing(payload: Record<string, unknown> | undefined): Promise<void> {
    const authorization = this.#state === 'acknowledged' ? authorizationOf(payload) : undefined;
    if (authorization === undefined) return this.#send({ type: MessageType.Pong, payload });
    try {
      const identity = await this.deps.callers.identify(authorization);
      if (this.#state !== 'acknowledged') return;
      // What runs on the socket runs for the caller who began it.
      if (!isSameCaller(identity, this.#identity))
        return this.close(CloseCode.Forbidden, 'The token is of another session, or has other rights.');
      this.#identity = identity;
      this.#authorization = authorization;
      this.expiryToldAtMs = null;
      await this.#send({ type: MessageType.Pong, payload: this.#tokenLife() });
    } catch (error) {
      this.#refuse(error);
    }
  }

  #tokenLife(): { readonly tokenExpiresInMs: number } | undefined {
    return this.#identity ? { tokenExpiresInMs: Math.max(0, this.expiresAtMs - Date.now()) } : undefined;
  }

  #refuse(error: unknown): void {
    if (error instanceof CodedError && error.code === 'UNAUTHENTICATED')
      return this.close(CloseCode.Forbidden, error.message);
    if (error instanceof CodedError && error.code === 'RATE_LIMITED')
      return this.close(CLOSE_TRY_LATER, error.message);
    this.deps.log.warn({ err: error }, 'socket could not be authenticated');
    this.close(CLOSE_TRY_LATER, 'Tokens cannot be verified right now');
  }

  #start({ id, payload }: SubscribeMessage): void {
    if (this.#state !== 'acknowledged') return this.close(CloseCode.Unauthorized, 'Unauthorized');
    if (this.#operations.has(id))
      return this.close(
        CloseCode.SubscriberAlreadyExists,
        `Subscriber for ${id.slice(0, 36)} already exists`,
      );
    const operation = new SocketOperation(this, id, payload);
    const isFull = this.#operations.size >= this.deps.limits.maxOperations;
    if (!isFull) this.#operations.set(id, operation);
    void operation.run(payload, () => this.#admit(isFull));
  }

  #admit(isFull: boolean): void {
    const { limits, address } = this.deps;
    if (isFull)
      throw new CodedError('RATE_LIMITED', `One socket runs ${limits.maxOperations} operations at most.`);
    if (Date.now() >= this.expiresAtMs)
      throw new CodedError('UNAUTHENTICATED', 'The access token has expired.');
    address.request();
    this.#user?.request();
  }

  scopeOf({ correlationId, traceHeaders }: RequestReport, signal: AbortSignal): EngineScope {
    return this.deps.callers.scopeOf({
      request: this.#request,
      identity: this.#identity,
      authorization: this.#authorization,
      correlationId,
      traceHeaders,
      signal,
    });
  }

  /** An id may be used anew after `complete`. */
  over(id: string, operation: SocketOperation): void {
    if (this.#operations.get(id) !== operation) return;
    this.#operations.delete(id);
    this.#lastOperationAtMs = Date.now();
  }

  #stop(id: string): void {
    this.#operations.get(id)?.stop();
  }

  async #send(message: object): Promise<void> {
    await this.outbox.send(JSON.stringify(message));
  }
}
