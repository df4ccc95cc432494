import { connect, type Socket } from 'node:net';
import { messageOf } from '#platform/errors.ts';
import { MessageReader } from './http-message.ts';
import { variantsOf, type Shape } from './shapes.ts';

const OK = 'HTTP/1.1 200';
const SHOWN_CHARS = 300;
const READ_BUFFER_BYTES = 65_536;
const TOKEN_DIGITS = 24;

/** Where requests go, on this machine. */
export interface Address {
  readonly port: number;
  readonly path: string;
}

/** Request number `n` of a shape: always the same bytes, or text with a token of its own, `n`, where the shape is `unique`. */
export function requestsOf({ path }: Address, shape: Shape): (n: number) => Buffer | string {
  const { query, variables, unique } = shape;
  const body = JSON.stringify({ query, variables });
  const start = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\ncontent-type: application/json\r\n`;
  const rest = `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  const token = (n: number) => String(n).padStart(TOKEN_DIGITS, '0');
  if (unique) return (n) => `${start}authorization: Bearer bench-${token(n)}\r\n${rest}`;
  const bytes = Buffer.from(start + rest);
  return () => bytes;
}

interface Handlers {
  answer(connection: Connection, head: string, body: Buffer): void;
  /** Also called once the connection is closed, by whomever. */
  fail(error: Error): void;
}

/** One keep-alive connection with one request under way at a time. */
export class Connection {
  readonly #socket: Socket;
  /** When and as which number the request under way was sent. */
  sentAtMs = 0;
  number = 0;

  constructor(port: number, { answer, fail }: Handlers) {
    const reader = new MessageReader((head, body) => answer(this, head, body));
    // One read buffer per connection: allocating one per read would be a good part of what the load costs.
    const buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
    const callback = (size: number) => {
      reader.push(buffer.subarray(0, size));
      return true;
    };
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer, callback } });
    this.#socket.on('error', fail);
    this.#socket.on('close', () => fail(new Error('the connection was closed')));
  }

  send(request: Buffer | string, number: number): void {
    this.number = number;
    this.sentAtMs = performance.now();
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Whether an answer is a 200 with exactly these bytes, or with any where none are given. */
export function isExpected(head: string, body: Buffer, expected?: Buffer): boolean {
  return head.startsWith(OK) && (expected === undefined || expected.equals(body));
}

/** The error to report for an answer that is not the expected one. */
export function unexpectedAnswer(head: string, body: Buffer): Error {
  const status = head.slice(0, head.indexOf('\r\n'));
  return new Error(`not the expected answer: ${status} ${body.toString().slice(0, SHOWN_CHARS)}`);
}

/** One answer for each variant of a shape, as bytes. Rejects where one is not a 200. */
export async function answersOf(address: Address, shape: Shape): Promise<Buffer[]> {
  const request = requestsOf(address, shape);
  const answers: Buffer[] = [];
  for (let n = 0; n < variantsOf(shape); n++) answers.push(await answerTo(address, request(n)));
  return answers;
}

async function answerTo({ port }: Address, request: Buffer | string): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const answer = (_: Connection, head: string, body: Buffer) =>
    isExpected(head, body) ? resolve(Buffer.from(body)) : reject(unexpectedAnswer(head, body));
  const connection = new Connection(port, { answer, fail: reject });
  connection.send(request, 0);
  return promise.finally(() => connection.close());
}

/** Resolves once a gateway answers a shape with 200; the last failure rejects after `deadlineMs`. */
export async function answersInTime(address: Address, shape: Shape, deadlineMs: number): Promise<void> {
  const giveUpAtMs = performance.now() + deadlineMs;
  for (;;) {
    try {
      await answersOf(address, shape);
      return;
    } catch (error) {
      if (performance.now() > giveUpAtMs) throw new Error(messageOf(error), { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
