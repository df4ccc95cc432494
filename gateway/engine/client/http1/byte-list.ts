import { BodyTooLarge } from './response-errors.ts';

const FIRST_BYTES = 4_096;

/** Bytes in one piece that grows: many small parts cost no more than few large ones. */
export class ByteList {
  readonly #maxBytes: number;
  #bytes: Buffer;
  #size = 0;

  constructor(maxBytes: number, capacity = FIRST_BYTES) {
    this.#maxBytes = maxBytes;
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** Copies the bytes. Throws BodyTooLarge where they are too many. */
  append(bytes: Buffer): void {
    const size = this.#size + bytes.length;
    if (size > this.#maxBytes) throw new BodyTooLarge();
    if (size > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(size, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, this.#size);
      this.#bytes = grown;
    }
    bytes.copy(this.#bytes, this.#size);
    this.#size = size;
  }

  text(): string {
    return this.#bytes.toString('utf8', 0, this.#size);
  }
}
