import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { PostTimeout, type Carrier, type Exchange } from './exchange.ts';
import { MalformedResponse } from './response-errors.ts';
import type { ResponseHead } from './response-head.ts';
import { ResponseReader, type ResponseListener } from './response-reader.ts';

export interface ConnectionSettings {
  readonly url: URL;
  readonly connectTimeoutMs: number;
  /** From asking until the answer begins. */
  readonly headersTimeoutMs: number;
  /** From then on until the whole answer is there. */
  readonly bodyTimeoutMs: number;
  readonly maxResponseBytes: number;
}

/** The pool that a connection belongs to. */
export interface ConnectionOwner {
  /** The connection can take the next exchange. */
  free(connection: Connection): void;
  gone(connection: Connection): void;
  /** The connection ended under an exchange of which nothing had come back: a server closes idle ones whenever it likes. */
  repeat(exchange: Exchange): void;
}

const READ_BUFFER_BYTES = 32 * 1_024;
/** Servers that do not say how long they keep idle connections do so for 5 s, as a rule. */
const DEFAULT_IDLE_MS = 5_000;
const MAX_IDLE_MS = 60_000;
/** What a request needs to arrive before the server closes. */
const IDLE_MARGIN_MS = 1_000;
/** Time that was waited is taken off a limit in such parts of it: most waited less, and a timer of the same length is only wound up again. */
const LIMIT_STEPS = 16;

function reusableForMs({ idleMs = DEFAULT_IDLE_MS }: ResponseHead): number {
  const longestMs = Math.min(idleMs, MAX_IDLE_MS);
  return longestMs - Math.min(IDLE_MARGIN_MS, longestMs / 2);
}

/**
 * One kept-alive connection, with as many exchanges at a time as it was given together, as a rule one: an answer that is slow holds up those
 * behind it and nobody else's.
 */
export class Connection implements Carrier, ResponseListener {
  readonly #settings: ConnectionSettings;
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #reader = new ResponseReader(this);
  /** Asked and not answered, in this order. Who left stays, so that nobody gets the answer of another one. */
  readonly #exchanges: Exchange[] = [];
  #head: ResponseHead | null = null;
  /** Of the wait under way: for the connection, the answer's head or its body. */
  #timer: NodeJS.Timeout;
  #timerMs: number;
  #answered = 0;
  #isConnected = false;
  #isOver = false;
  #goodUntilMs = 0;

  constructor(settings: ConnectionSettings, owner: ConnectionOwner) {
    this.#settings = settings;
    this.#owner = owner;
    this.#timerMs = settings.connectTimeoutMs;
    this.#timer = setTimeout(() => this.#late(), this.#timerMs);
    this.#socket = this.#open();
  }

  /** Whether the server can be expected to take a further request. */
  isGood(nowMs: number): boolean {
    return !this.#isOver && nowMs < this.#goodUntilMs;
  }

  /** Takes what is sent in one piece: one exchange, or several that may be repeated. The connection must be free. */
  send(exchanges: readonly Exchange[]): void {
    let bytes = '';
    for (const exchange of exchanges) {
      exchange.carrier = this;
      this.#exchanges.push(exchange);
      bytes += exchange.request.bytes;
    }
    // Until it is connected, the socket keeps what it is given, and the timer is that of connecting.
    if (this.#isConnected) this.#awaitHead();
    this.#socket.write(bytes, 'latin1');
  }

  drop(): void {
    // What was sent cannot be taken back, and its answer must not reach anybody else: nor do others wait behind it.
    if (this.#exchanges[0]?.isOver) this.close();
  }

  close(): void {
    this.#fail(new Error('the connection was closed'));
  }

  onHead(head: ResponseHead): number {
    if (this.#exchanges.length === 0 || this.#head)
      throw new MalformedResponse('an answer that nobody asked for');
    this.#head = head;
    return this.#settings.maxResponseBytes;
  }

  onEnd(text: string): void {
    const head = this.#head;
    const exchange = head && this.#exchanges.shift();
    if (!exchange) return;
    this.#head = null;
    this.#answered += 1;
    this.#goodUntilMs = head.keepsAlive ? performance.now() + reusableForMs(head) : 0;
    if (!exchange.isOver) exchange.answer({ status: head.status, retryAfter: head.retryAfter, text });
  }

  #open(): Socket {
    const { hostname, protocol, port } = this.#settings.url;
    // An IPv6 address stands in brackets in a URL.
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    const buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
    const callback = (size: number) => (this.#receive(buffer, size), true);
    const options = {
      host,
      port: Number(port),
      noDelay: true,
      keepAlive: true,
      onread: { buffer, callback },
    };
    const isSecure = protocol === 'https:';
    const socket = isSecure
      ? connectTls({ ...options, port: options.port || 443, ALPNProtocols: ['http/1.1'] })
      : connect({ ...options, port: options.port || 80 });
    socket.once(isSecure ? 'secureConnect' : 'connect', () => this.#connected());
    socket.on('error', (error) => this.#fail(error));
    socket.on('end', () => this.#ended());
    socket.on('close', () => this.#fail(new Error('the connection was closed')));
    return socket;
  }

  #connected(): void {
    this.#isConnected = true;
    this.#awaitHead();
  }

  #receive(bytes: Buffer, size: number): void {
    if (this.#isOver) return;
    const [before, hadHead] = [this.#answered, this.#head !== null];
    try {
      this.#reader.push(bytes, size);
    } catch (error) {
      return this.#fail(error instanceof Error ? error : new MalformedResponse());
    }
    // Only now: what stands behind an answer must not be taken for the answer to the next request.
    if (this.#answered > before) this.#rest();
    else if (this.#head && !hadHead) this.#await(this.#settings.bodyTimeoutMs);
  }

  #rest(): void {
    if (this.#goodUntilMs === 0) this.close();
    else if (this.#exchanges.length === 0) this.#owner.free(this);
    else if (this.#exchanges[0]?.isOver) this.close();
    else if (this.#head) this.#await(this.#settings.bodyTimeoutMs);
    else this.#awaitHead();
  }

  #ended(): void {
    if (this.#isOver) return;
    // A body without a length ends here.
    if (this.#reader.end()) this.#goodUntilMs = 0;
    this.#fail(new Error('the connection was closed'));
  }

  #awaitHead(): void {
    const [exchange] = this.#exchanges;
    if (!exchange) return;
    const waitedMs = performance.now() - exchange.beganAtMs;
    const { headersTimeoutMs } = this.#settings;
    const stepMs = headersTimeoutMs / LIMIT_STEPS;
    this.#await(Math.max(1, headersTimeoutMs - Math.floor(waitedMs / stepMs) * stepMs));
  }

  #await(limitMs: number): void {
    if (limitMs === this.#timerMs) return void this.#timer.refresh();
    clearTimeout(this.#timer);
    this.#timerMs = limitMs;
    this.#timer = setTimeout(() => this.#late(), limitMs);
  }

  #late(): void {
    if (this.#isConnected && this.#exchanges.length === 0) return;
    this.#fail(this.#isConnected ? new PostTimeout('no answer in time') : new Error('no connection in time'));
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#socket.destroy();
    this.#owner.gone(this);
    const [first, ...others] = this.#exchanges.splice(0);
    if (first) this.#giveUp(first, error);
    // What went wrong with the first is nothing that these are to blame for.
    for (const exchange of others) this.#repeat(exchange, error);
  }

  #giveUp(exchange: Exchange, error: Error): void {
    const isStale = this.#answered > 0 && !this.#head && this.#reader.isAtStart;
    const isCut = !(error instanceof PostTimeout) && !(error instanceof MalformedResponse);
    if (isStale && isCut) return this.#repeat(exchange, error);
    if (!exchange.isOver) exchange.fail(error);
  }

  #repeat(exchange: Exchange, error: Error): void {
    if (exchange.isOver) return;
    if (exchange.isRepeatable) this.#owner.repeat(exchange);
    else exchange.fail(error);
  }
}
