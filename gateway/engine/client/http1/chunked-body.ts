import type { BodyReader } from './body-reader.ts';
import { ByteList } from './byte-list.ts';
import { MalformedResponse } from './response-errors.ts';

const LINE_END = Buffer.from('\r\n');
/** Of a chunk's size with its extensions, and of one line of the trailers. */
const MAX_LINE_BYTES = 4_096;
const MAX_TRAILER_LINES = 64;
const SIZE_LINE = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?$/i;

/** A body in chunks (RFC 9112, 7.1). Extensions and trailers are passed over. */
export class ChunkedBody implements BodyReader {
  readonly endsWithConnection = false;
  readonly #bytes: ByteList;
  #state: 'size' | 'data' | 'data-end' | 'trailers' = 'size';
  /** Bytes of the present chunk that have not arrived. */
  #missing = 0;
  #line = '';
  #trailerLines = 0;

  constructor(maxBytes: number) {
    this.#bytes = new ByteList(maxBytes);
  }

  push(bytes: Buffer): Buffer | null {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#state === 'data') {
        rest = this.#readData(rest);
        continue;
      }
      const lineEnd = this.#readLine(rest);
      if (lineEnd < 0) return null;
      rest = rest.subarray(lineEnd);
      if (this.#isOver(this.#takeLine())) return rest;
    }
    return null;
  }

  text(): string {
    return this.#bytes.text();
  }

  #readData(bytes: Buffer): Buffer {
    const taken = Math.min(this.#missing, bytes.length);
    this.#bytes.append(bytes.subarray(0, taken));
    this.#missing -= taken;
    if (this.#missing === 0) this.#state = 'data-end';
    return bytes.subarray(taken);
  }

  /** Adds to the line under way; answers where the next one begins, -1 where this one has not ended. */
  #readLine(bytes: Buffer): number {
    // The CR may have come with the bytes before.
    if (this.#line.endsWith('\r') && bytes[0] === LINE_END[1]) {
      this.#line = this.#line.slice(0, -1);
      return 1;
    }
    const found = bytes.indexOf(LINE_END);
    this.#line += bytes.toString('latin1', 0, found < 0 ? bytes.length : found);
    if (this.#line.length > MAX_LINE_BYTES) throw new MalformedResponse('a line of a chunk is too long');
    return found < 0 ? -1 : found + LINE_END.length;
  }

  #takeLine(): string {
    const line = this.#line;
    this.#line = '';
    return line;
  }

  /** Acts on a whole line; answers whether it ends the body. */
  #isOver(line: string): boolean {
    if (this.#state === 'trailers') {
      this.#trailerLines += 1;
      if (this.#trailerLines > MAX_TRAILER_LINES) throw new MalformedResponse('the trailers are too long');
      return line === '';
    }
    if (this.#state === 'data-end') {
      if (line !== '') throw new MalformedResponse('a chunk is longer than its size');
      this.#state = 'size';
      return false;
    }
    const size = SIZE_LINE.exec(line)?.[1];
    if (size === undefined) throw new MalformedResponse('a chunk without a size');
    this.#missing = Number.parseInt(size, 16);
    this.#state = this.#missing === 0 ? 'trailers' : 'data';
    return false;
  }
}
