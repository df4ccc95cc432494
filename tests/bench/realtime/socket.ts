import { connect, type Socket } from 'node:net';

const READ_BUFFER_BYTES = 64 * 1024;
const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
/** A mask is required of clients, but may be any: zeros leave the text as it is. */
const MASK = Buffer.alloc(4);

export interface SocketHandlers {
  /** A whole text message. The bytes are valid until the next one. */
  message(bytes: Buffer): void;
  /** Once, whoever closed it. */
  closed(reason: string): void;
}

export interface SocketAddress {
  readonly port: number;
  /** Of 127.0.0.0/8; each has its own range of ports. */
  readonly localAddress?: string;
}

/** A WebSocket client of the load: it reads what a gateway sends to it, and costs as little as that can. */
export class LeanSocket {
  readonly #socket: Socket;
  readonly #handlers: SocketHandlers;
  readonly #opened = Promise.withResolvers<void>();
  #isOpen = false;
  #isClosed = false;
  /** The beginning of a message whose end has not come yet. */
  #rest: Buffer | null = null;

  constructor({ port, localAddress }: SocketAddress, handlers: SocketHandlers) {
    this.#handlers = handlers;
    const buffer = sharedBuffer;
    const callback = (size: number) => {
      this.#read(buffer.subarray(0, size));
      return true;
    };
    this.#socket = connect({
      port,
      host: '127.0.0.1',
      localAddress,
      noDelay: true,
      onread: { buffer, callback },
    });
    this.#socket.once('connect', () => this.#socket.write(upgradeRequest(port)));
    this.#socket.on('error', (error) => this.#close(error.message));
    this.#socket.on('close', () => this.#close('closed'));
    this.#opened.promise.catch(() => undefined);
  }

  /** Rejects where the upgrade is refused. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  send(message: object): void {
    this.#socket.write(frame(TEXT, Buffer.from(JSON.stringify(message))));
  }

  pause(): void {
    this.#socket.pause();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #close(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#opened.reject(new Error(`not upgraded: ${reason}`));
    this.#handlers.closed(reason);
  }

  #read(chunk: Buffer): void {
    let bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    this.#rest = null;
    if (!this.#isOpen) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return void (this.#rest = Buffer.from(bytes));
      if (!bytes.subarray(0, end).toString('latin1').startsWith('HTTP/1.1 101'))
        return void this.#socket.destroy();
      this.#isOpen = true;
      this.#opened.resolve();
      bytes = bytes.subarray(end + 4);
    }
    let at = 0;
    for (;;) {
      const size = this.#readFrame(bytes, at);
      if (size === 0) break;
      at += size;
    }
    // The buffer is read into again.
    if (at < bytes.length) this.#rest = Buffer.from(bytes.subarray(at));
  }

  /** Handles the frame at an offset; returns its size, or 0 where it is not whole yet. */
  #readFrame(bytes: Buffer, at: number): number {
    if (bytes.length - at < 2) return 0;
    const opcode = (bytes[at] ?? 0) & 0x0f;
    let length = (bytes[at + 1] ?? 0) & 0x7f;
    let head = 2;
    if (length === 126) {
      if (bytes.length - at < 4) return 0;
      length = bytes.readUInt16BE(at + 2);
      head = 4;
    } else if (length === 127) {
      if (bytes.length - at < 10) return 0;
      length = Number(bytes.readBigUInt64BE(at + 2));
      head = 10;
    }
    if (bytes.length - at < head + length) return 0;
    const payload = bytes.subarray(at + head, at + head + length);
    if (opcode === TEXT) this.#handlers.message(payload);
    if (opcode === PING) this.#socket.write(frame(PONG, payload));
    if (opcode === CLOSE) this.#close(`${payload.readUInt16BE(0)} ${payload.subarray(2).toString()}`);
    return head + length;
  }
}

/** Reads are handled one after the other, so that one buffer serves all sockets. */
const sharedBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);

const upgradeRequest = (port: number) =>
  `GET /graphql HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: upgrade\r\nupgrade: websocket\r\n` +
  'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
  'sec-websocket-protocol: graphql-transport-ws\r\n\r\n';

function frame(opcode: number, payload: Buffer): Buffer {
  const long = payload.length > 125;
  const head = Buffer.alloc(long ? 4 : 2);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (long ? 126 : payload.length);
  if (long) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, MASK, payload]);
}
