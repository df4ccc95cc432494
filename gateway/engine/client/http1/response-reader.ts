import { createBodyReader, type BodyReader } from './body-reader.ts';
import { BodyTooLarge, MalformedResponse } from './response-errors.ts';
import { parseResponseHead, type ResponseHead } from './response-head.ts';

/** What a reader tells whoever waits for the response. */
export interface ResponseListener {
  /** Called once per response, before its body; informational ones (1xx) are left out. Answers how large the body may be, in bytes. */
  onHead(head: ResponseHead): number;
  onEnd(text: string): void;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const MAX_HEAD_BYTES = 32 * 1_024;
const NOTHING = Buffer.alloc(0);
/** A change of protocol, which nobody asked for. */
const SWITCHING_PROTOCOLS = 101;

/** Cuts the bytes of one connection into responses. */
export class ResponseReader {
  readonly #listener: ResponseListener;
  /** The beginning of a head that has not arrived whole. */
  #head: Buffer = NOTHING;
  #body: BodyReader | null = null;

  constructor(listener: ResponseListener) {
    this.#listener = listener;
  }

  /** Whether nothing of a next response has arrived. */
  get isAtStart(): boolean {
    return this.#body === null && this.#head.length === 0;
  }

  /** Takes the first `size` bytes; they may be overwritten afterwards. Throws MalformedResponse or BodyTooLarge; nothing may be pushed after that. */
  push(bytes: Buffer, size = bytes.length): void {
    const from = this.isAtStart ? this.#readWhole(bytes, size) : 0;
    if (from === size) return;
    let rest = bytes.subarray(from, size);
    while (rest.length > 0) rest = this.#body ? this.#readBody(this.#body, rest) : this.#readHead(rest);
  }

  /** The connection has ended: the end of a body that nothing else delimits. Answers false where the end came too early. */
  end(): boolean {
    const body = this.#body;
    if (!body?.endsWithConnection) return false;
    this.#finish(body);
    return true;
  }

  /** Most responses come in one piece; these are read without cutting the bytes up. Answers where the first one begins that is not read so. */
  #readWhole(bytes: Buffer, size: number): number {
    let from = 0;
    while (from < size) {
      const bodyAt = bytes.indexOf(HEAD_END, from) + HEAD_END.length;
      if (bodyAt < HEAD_END.length || bodyAt > Math.min(size, from + MAX_HEAD_BYTES)) return from;
      const head = parseResponseHead(bytes.toString('latin1', from, bodyAt - HEAD_END.length));
      if (head.status < 200 || typeof head.body !== 'number' || bodyAt + head.body > size) return from;
      if (this.#listener.onHead(head) < head.body) throw new BodyTooLarge();
      from = bodyAt + head.body;
      this.#listener.onEnd(bytes.toString('utf8', bodyAt, from));
    }
    return from;
  }

  #readHead(bytes: Buffer): Buffer {
    const all = this.#head.length > 0 ? Buffer.concat([this.#head, bytes]) : bytes;
    const headEnd = all.indexOf(HEAD_END);
    if ((headEnd < 0 ? all.length : headEnd) > MAX_HEAD_BYTES)
      throw new MalformedResponse('the headers are too long');
    if (headEnd < 0) {
      this.#head = Buffer.from(all);
      return NOTHING;
    }
    this.#head = NOTHING;
    this.#begin(parseResponseHead(all.toString('latin1', 0, headEnd)));
    return all.subarray(headEnd + HEAD_END.length);
  }

  #begin(head: ResponseHead): void {
    if (head.status === SWITCHING_PROTOCOLS) throw new MalformedResponse('another protocol');
    if (head.status < 200) return;
    const body = createBodyReader(head.body, this.#listener.onHead(head));
    if (head.body === 0) this.#finish(body);
    else this.#body = body;
  }

  #readBody(body: BodyReader, bytes: Buffer): Buffer {
    const rest = body.push(bytes);
    if (rest === null) return NOTHING;
    this.#finish(body);
    return rest;
  }

  #finish(body: BodyReader): void {
    this.#body = null;
    this.#listener.onEnd(body.text());
  }
}
