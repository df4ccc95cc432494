import { percentile } from '../table.ts';
import { Connection, isExpected, requestsOf, unexpectedAnswer, type Address } from './client.ts';
import { variantsOf, type Shape } from './shapes.ts';

const CONNECTIONS = 32;
const TICK_MS = 1;

/** Requests of one shape to one gateway, and the answers they must get, byte by byte. */
export interface Traffic {
  readonly to: string;
  readonly address: Address;
  readonly shape: Shape;
  /** One for each variant of the shape. */
  readonly expected: readonly Buffer[];
}

/** What one run measured. */
export interface Sample {
  readonly rps: number;
  readonly answered: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Never reused, so that no two measured requests carry the same token. */
let nextNumber = 1_000;

/** 32 connections that send until the time is over, and stop at the first answer that is not the expected one. */
class LoadRun {
  readonly #traffic: Traffic;
  readonly #durationMs: number;
  readonly #requestsUntil: (elapsedMs: number) => number;
  readonly #request: (n: number) => Buffer | string;
  readonly #variants: number;
  readonly #startedAtMs = performance.now();
  readonly #latenciesMs: number[] = [];
  readonly #connections: Connection[] = [];
  readonly #free: Connection[] = [];
  readonly #ended = Promise.withResolvers<void>();
  #sent = 0;
  #isOver = false;

  /** `requestsUntil` says how many requests shall have been sent after a time; Infinity: as many as are answered. */
  constructor(traffic: Traffic, durationMs: number, requestsUntil: (elapsedMs: number) => number) {
    this.#traffic = traffic;
    this.#durationMs = durationMs;
    this.#requestsUntil = requestsUntil;
    this.#request = requestsOf(traffic.address, traffic.shape);
    this.#variants = variantsOf(traffic.shape);
  }

  async sample(): Promise<Sample> {
    const answer = this.#answer.bind(this);
    const fail = this.#fail.bind(this);
    while (this.#connections.length < CONNECTIONS)
      this.#connections.push(new Connection(this.#traffic.address.port, { answer, fail }));
    this.#free.push(...this.#connections);
    const ticker = setInterval(() => this.#next(), TICK_MS);
    this.#next();
    await this.#ended.promise.finally(() => clearInterval(ticker));
    const tookMs = performance.now() - this.#startedAtMs;
    const answered = this.#latenciesMs.length;
    return {
      rps: (answered * 1_000) / tookMs,
      answered,
      p50Ms: percentile(this.#latenciesMs, 0.5),
      p99Ms: percentile(this.#latenciesMs, 0.99),
    };
  }

  #next(): void {
    const elapsedMs = performance.now() - this.#startedAtMs;
    if (elapsedMs < this.#durationMs) this.#send(this.#requestsUntil(elapsedMs));
    else if (this.#free.length === this.#connections.length) this.#end();
  }

  #send(until: number): void {
    while (this.#sent < until) {
      // The one that waited longest: servers close connections that idle.
      const connection = this.#free.shift();
      if (!connection) return;
      this.#sent++;
      const number = nextNumber++;
      connection.send(this.#request(number), number);
    }
  }

  #answer(connection: Connection, head: string, body: Buffer): void {
    const expected = this.#traffic.expected[connection.number % this.#variants];
    if (!isExpected(head, body, expected)) return this.#fail(unexpectedAnswer(head, body));
    this.#latenciesMs.push(performance.now() - connection.sentAtMs);
    this.#free.push(connection);
    this.#next();
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    const { to, shape } = this.#traffic;
    this.#ended.reject(new Error(`${to}, ${shape.name}: ${error.message}`, { cause: error }));
    this.#end();
  }

  #end(): void {
    this.#isOver = true;
    for (const connection of this.#connections) connection.close();
    this.#ended.resolve();
  }
}

/** As many requests as the gateway answers: each connection sends again as soon as it has its answer. */
export function fullLoad(traffic: Traffic, durationMs: number): Promise<Sample> {
  return new LoadRun(traffic, durationMs, () => Number.POSITIVE_INFINITY).sample();
}

/** `ratePerS` requests a second, however long the answers take, as long as a connection is free. */
export function steadyLoad(traffic: Traffic, ratePerS: number, durationMs: number): Promise<Sample> {
  return new LoadRun(traffic, durationMs, (elapsedMs) => (elapsedMs * ratePerS) / 1_000).sample();
}
