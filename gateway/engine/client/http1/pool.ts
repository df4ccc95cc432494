import { Connection, type ConnectionOwner, type ConnectionSettings } from './connection.ts';
import { abortError, Exchange, PostTimeout, type PostAnswer, type PostRequest } from './exchange.ts';

export interface PoolSettings extends ConnectionSettings {
  /** Further requests wait for a connection. */
  readonly maxConnections: number;
  /** How many requests that may be repeated go out over one connection together, where they are made at the same time; 1: each has its own. */
  readonly maxPipelined: number;
}

const SWEEP_EVERY_MS = 1_000;

/**
 * Kept-alive connections to one server, for POSTs with text. Written for many small requests: no streams, no objects per header, one write
 * and as a rule one read for each.
 */
export class Pool implements ConnectionOwner {
  readonly #settings: PoolSettings;
  readonly #connections = new Set<Connection>();
  /** The one that was used last is taken first, so that those that are too many grow old. */
  readonly #idle: Connection[] = [];
  readonly #waiting = new Map<Exchange, NodeJS.Timeout>();
  /** Those that go out when everything that has arrived by now is handled. */
  #leaving: Exchange[] = [];
  readonly #sweeper: NodeJS.Timeout;
  #isClosed = false;

  constructor(settings: PoolSettings) {
    this.#settings = settings;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_EVERY_MS).unref();
  }

  /** Rejects with a PostTimeout, a BodyTooLarge, a MalformedResponse or whatever went wrong on the way. */
  post(request: PostRequest): Promise<PostAnswer> {
    return new Promise((resolve, reject) => {
      if (request.signal.aborted) reject(abortError(request.signal));
      else if (this.#isClosed) reject(new Error('the pool is closed'));
      else this.#depart(new Exchange(request, resolve, reject));
    });
  }

  /** What is under way is left to finish. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#sweeper);
    for (const connection of this.#idle.splice(0)) connection.close();
  }

  free(connection: Connection): void {
    const [next] = this.#waiting;
    if (next) this.#admit(next[0], connection);
    else if (this.#isClosed) connection.close();
    else this.#idle.push(connection);
  }

  gone(connection: Connection): void {
    this.#connections.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
    const [next] = this.#waiting;
    if (next && !this.#isFull()) this.#admit(next[0], this.#connect());
  }

  repeat(exchange: Exchange): void {
    exchange.startAgain();
    // Over a new connection: others that idle may be as stale as the one that ended.
    if (this.#isFull()) this.#queue(exchange);
    else this.#connect().send([exchange]);
  }

  drop(exchange: Exchange): void {
    clearTimeout(this.#waiting.get(exchange));
    this.#waiting.delete(exchange);
  }

  #depart(exchange: Exchange): void {
    if (this.#settings.maxPipelined === 1 || !exchange.isRepeatable) return this.#assign([exchange]);
    if (this.#leaving.length === 0) setImmediate(() => this.#departAll());
    this.#leaving.push(exchange);
  }

  #departAll(): void {
    const { maxPipelined } = this.#settings;
    const leaving = this.#leaving.filter(({ isOver }) => !isOver);
    this.#leaving = [];
    for (let from = 0; from < leaving.length; from += maxPipelined)
      this.#assign(leaving.slice(from, from + maxPipelined));
  }

  #assign(exchanges: readonly Exchange[]): void {
    const connection = this.#takeIdle() ?? (this.#isFull() ? null : this.#connect());
    if (connection) connection.send(exchanges);
    else for (const exchange of exchanges) this.#queue(exchange);
  }

  #takeIdle(): Connection | undefined {
    const nowMs = performance.now();
    for (let connection = this.#idle.pop(); connection; connection = this.#idle.pop()) {
      if (connection.isGood(nowMs)) return connection;
      connection.close();
    }
    return undefined;
  }

  #isFull(): boolean {
    return this.#connections.size >= this.#settings.maxConnections;
  }

  #connect(): Connection {
    const connection = new Connection(this.#settings, this);
    this.#connections.add(connection);
    return connection;
  }

  #queue(exchange: Exchange): void {
    const late = () => {
      this.#waiting.delete(exchange);
      exchange.fail(new PostTimeout('no connection became free in time'));
    };
    exchange.carrier = this;
    this.#waiting.set(exchange, setTimeout(late, this.#settings.headersTimeoutMs));
  }

  #admit(exchange: Exchange, connection: Connection): void {
    this.drop(exchange);
    connection.send([exchange]);
  }

  #sweep(): void {
    const nowMs = performance.now();
    for (const connection of this.#idle.filter((idle) => !idle.isGood(nowMs))) connection.close();
  }
}
