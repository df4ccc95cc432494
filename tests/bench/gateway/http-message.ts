const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');
const LENGTH = /\r\ncontent-length: *(\d+)/i;
const CHUNKED = /\r\ntransfer-encoding: *chunked/i;

interface Message {
  readonly head: string;
  readonly body: Buffer;
  readonly endsAt: number;
}

/**
 * Cuts the bytes of one connection into HTTP/1.1 messages, requests and responses alike. It exists so that neither the load nor the
 * subgraphs cost more than the gateway between them; what it reads was written by the benchmark or by a gateway under test.
 */
export class MessageReader {
  readonly #onMessage: (head: string, body: Buffer) => void;
  #parts: Buffer[] = [];
  #size = 0;
  /** Looking again is useless before this many bytes are there. */
  #needed = 0;

  constructor(onMessage: (head: string, body: Buffer) => void) {
    this.#onMessage = onMessage;
  }

  /** `bytes` may be overwritten by the caller afterwards; a body handed out is valid until the handler returns. */
  push(bytes: Buffer): void {
    if (this.#size === 0) return this.#read(bytes);
    this.#keep(bytes);
    if (this.#size < this.#needed) return;
    const all = Buffer.concat(this.#parts, this.#size);
    this.#parts = [];
    this.#size = 0;
    this.#read(all);
  }

  #keep(bytes: Buffer): void {
    this.#parts.push(Buffer.from(bytes));
    this.#size += bytes.length;
  }

  #read(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      const message = this.#first(rest);
      if (!message) return this.#keep(rest);
      this.#onMessage(message.head, message.body);
      rest = rest.subarray(message.endsAt);
    }
  }

  #first(bytes: Buffer): Message | null {
    const headEnd = bytes.indexOf(HEAD_END);
    this.#needed = bytes.length + 1;
    if (headEnd < 0) return null;
    const head = bytes.toString('latin1', 0, headEnd);
    const bodyAt = headEnd + HEAD_END.length;
    const length = LENGTH.exec(head)?.[1];
    if (length === undefined && CHUNKED.test(head)) return chunkedMessage(head, bytes, bodyAt);
    const endsAt = bodyAt + Number(length ?? 0);
    if (endsAt <= bytes.length) return { head, body: bytes.subarray(bodyAt, endsAt), endsAt };
    this.#needed = endsAt;
    return null;
  }
}

function chunkedMessage(head: string, bytes: Buffer, bodyAt: number): Message | null {
  const chunks: Buffer[] = [];
  for (let at = bodyAt; ;) {
    const lineEnd = bytes.indexOf(LINE_END, at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const chunkAt = lineEnd + LINE_END.length;
    at = chunkAt + size + LINE_END.length;
    if (at > bytes.length) return null;
    if (size === 0) return { head, body: Buffer.concat(chunks), endsAt: at };
    chunks.push(bytes.subarray(chunkAt, chunkAt + size));
  }
}
