import { ByteList } from './byte-list.ts';
import { ChunkedBody } from './chunked-body.ts';
import { BodyTooLarge } from './response-errors.ts';
import type { ResponseHead } from './response-head.ts';

/** Collects one body. */
export interface BodyReader {
  /** Takes what belongs to the body; answers the bytes behind its end, null where the end has not come. */
  push(bytes: Buffer): Buffer | null;
  /** Whether the end of the connection is the end of the body. */
  readonly endsWithConnection: boolean;
  /** The whole body, once its end has come. */
  text(): string;
}

/** `maxBytes` is how large the body may be. Throws BodyTooLarge where it is known to be larger. */
export function createBodyReader(body: ResponseHead['body'], maxBytes: number): BodyReader {
  if (body === 'chunked') return new ChunkedBody(maxBytes);
  if (body === 'until-close') return new OpenBody(maxBytes);
  if (body > maxBytes) throw new BodyTooLarge();
  return new FixedBody(body);
}

/** A body of known length. Most come in one piece with their head and are never copied as bytes. */
class FixedBody implements BodyReader {
  readonly endsWithConnection = false;
  readonly #length: number;
  #text = '';
  #bytes: ByteList | null = null;

  constructor(length: number) {
    this.#length = length;
  }

  push(bytes: Buffer): Buffer | null {
    if (!this.#bytes && bytes.length >= this.#length) {
      this.#text = bytes.toString('utf8', 0, this.#length);
      return bytes.subarray(this.#length);
    }
    this.#bytes ??= new ByteList(this.#length, this.#length);
    const taken = Math.min(this.#length - this.#bytes.size, bytes.length);
    this.#bytes.append(bytes.subarray(0, taken));
    if (this.#bytes.size < this.#length) return null;
    this.#text = this.#bytes.text();
    return bytes.subarray(taken);
  }

  text(): string {
    return this.#text;
  }
}

/** A body that ends with its connection. */
class OpenBody implements BodyReader {
  readonly endsWithConnection = true;
  readonly #bytes: ByteList;

  constructor(maxBytes: number) {
    this.#bytes = new ByteList(maxBytes);
  }

  push(bytes: Buffer): null {
    this.#bytes.append(bytes);
    return null;
  }

  text(): string {
    return this.#bytes.text();
  }
}
