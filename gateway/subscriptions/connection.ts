import type { IncomingMessage } from 'node:http';
import { CloseCode, MessageType, parseMessage, type SubscribeMessage } from 'graphql-ws';
import type { RawData, WebSocket } from 'ws';
import { CodedError } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import type { Identity } from '../auth/auth.ts';
import type { Engine } from '../engine/engine.ts';
import type { Callers } from '../http/callers.ts';
import type { GatewayMetrics } from '../metrics.ts';
import type { Telemetry } from '../telemetry/report.ts';
import type { Enter } from '../traffic/load-shedding.ts';
import type { Allowance, ClientLimits } from '../traffic/client-limits.ts';
import { authorizationOf } from './connection-parameters.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { runOperation, type OperationReply } from './socket-operation.ts';

/** Close codes besides those of the protocol. */
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_TRY_LATER = 1013;
/** Retried by clients, which then resume from their cursor. */
export const CLOSE_TIMED_OUT = 4408;

export interface ConnectionOptions {
  readonly engine: Engine;
  readonly callers: Callers;
  readonly enter: Enter;
  readonly metrics: GatewayMetrics;
  readonly telemetry: Telemetry;
  readonly log: Log;
  readonly clients: ClientLimits;
  /** What the client's address may take. */
  readonly address: Allowance;
  readonly maxOperations: number;
}

type State = 'connected' | 'initialising' | 'acknowledged' | 'closed';

/** One client's socket under graphql-transport-ws. It owns its operations and ends them with itself. */
export class Connection {
  readonly openedAtMs = Date.now();
  lastHeardAtMs = Date.now();
  /** Of the last ping; before `lastHeardAtMs` where it was answered. */
  pingedAtMs = 0;
  readonly #socket: WebSocket;
  readonly #request: IncomingMessage;
  readonly #options: ConnectionOptions;
  readonly #outbox: Outbox;
  readonly #operations = new Map<string, AbortController>();
  #state: State = 'connected';
  #identity: Identity | null = null;
  #authorization: string | undefined;
  #user: Allowance | null = null;
  #forgetUser: (() => void) | null = null;
  #lastOperationAtMs = Date.now();

  constructor(socket: WebSocket, request: IncomingMessage, options: ConnectionOptions) {
    this.#socket = socket;
    this.#request = request;
    this.#options = options;
    this.#outbox = createOutbox(socket);
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.on('ping', (data) => this.#outbox.pong(data));
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
    return this.#outbox.stalledSinceMs;
  }

  ping(nowMs: number): void {
    this.pingedAtMs = nowMs;
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  close(code: number, reason: string): void {
    this.#end();
    this.#socket.close(code, reason);
  }

  /** For a peer that does not answer: a closing handshake would wait for it in vain. */
  terminate(): void {
    this.#end();
    this.#socket.terminate();
  }

  #end(): void {
    this.#state = 'closed';
    for (const controller of this.#operations.values()) controller.abort();
    this.#operations.clear();
    this.#forgetUser?.();
    this.#forgetUser = null;
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.lastHeardAtMs = Date.now();
    if (this.#state === 'closed') return;
    try {
      if (isBinary) throw new Error('binary message');
      const message = parseMessage(data.toString());
      if (message.type === MessageType.ConnectionInit) void this.#initialise(message.payload);
      else if (message.type === MessageType.Ping)
        void this.#send({ type: MessageType.Pong, payload: message.payload });
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
      const identity = await this.#options.callers.identify(this.#authorization);
      if (this.#state !== 'initialising') return;
      this.#user = this.#options.clients.ofIdentity(identity);
      this.#forgetUser = this.#user.open();
      this.#identity = identity;
      this.#state = 'acknowledged';
      this.#lastOperationAtMs = Date.now();
      await this.#send({ type: MessageType.ConnectionAck });
    } catch (error) {
      this.#refuse(error);
    }
  }

  #refuse(error: unknown): void {
    if (error instanceof CodedError && error.code === 'UNAUTHENTICATED')
      return this.close(CloseCode.Forbidden, error.message);
    if (error instanceof CodedError && error.code === 'RATE_LIMITED')
      return this.close(CLOSE_TRY_LATER, error.message);
    this.#options.log.warn({ err: error }, 'socket could not be authenticated');
    this.close(CLOSE_TRY_LATER, 'Tokens cannot be verified right now');
  }

  #start({ id, payload }: SubscribeMessage): void {
    if (this.#state !== 'acknowledged') return this.close(CloseCode.Unauthorized, 'Unauthorized');
    if (this.#operations.has(id))
      return this.close(
        CloseCode.SubscriberAlreadyExists,
        `Subscriber for ${id.slice(0, 36)} already exists`,
      );
    const controller = new AbortController();
    const isFull = this.#operations.size >= this.#options.maxOperations;
    if (!isFull) this.#operations.set(id, controller);
    const reply = this.#replyTo(id, controller);
    const { engine, callers, enter, metrics, telemetry, log } = this.#options;
    void runOperation({
      operation: payload,
      admit: () => this.#admit(isFull),
      scopeOf: ({ correlationId, traceHeaders }) =>
        callers.scopeOf({
          request: this.#request,
          identity: this.#identity,
          authorization: this.#authorization,
          correlationId,
          traceHeaders,
          signal: controller.signal,
        }),
      reply,
      enter,
      engine,
      metrics,
      telemetry,
      log,
    });
  }

  #admit(isFull: boolean): void {
    const { maxOperations, address } = this.#options;
    if (isFull) throw new CodedError('RATE_LIMITED', `One socket runs ${maxOperations} operations at most.`);
    address.request();
    this.#user?.request();
  }

  #stop(id: string): void {
    this.#operations.get(id)?.abort();
    this.#finish(id);
  }

  #finish(id: string): void {
    this.#operations.delete(id);
    this.#lastOperationAtMs = Date.now();
  }

  /** An id may be used anew after `complete`, so that the old operation must not answer under it any more. */
  #replyTo(id: string, controller: AbortController): OperationReply {
    const send = async (type: MessageType, payload?: unknown) => {
      if (!controller.signal.aborted) await this.#send({ id, type, payload });
    };
    const finish = () => {
      if (this.#operations.get(id) === controller) this.#finish(id);
    };
    return {
      next: (result) => send(MessageType.Next, result),
      error(errors) {
        finish();
        return send(MessageType.Error, errors);
      },
      complete() {
        finish();
        return send(MessageType.Complete);
      },
    };
  }

  async #send(message: object): Promise<void> {
    await this.#outbox.send(JSON.stringify(message));
  }
}
