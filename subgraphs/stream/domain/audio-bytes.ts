/** The parts of a file that tell how long it plays. */
export interface AudioSample {
  /** Bytes from `headOffset` on. */
  readonly head: Uint8Array;
  /** Where the audio begins: behind an ID3v2 tag, else 0. */
  readonly headOffset: number;
  /** The file's last bytes. */
  readonly tail: Uint8Array;
  readonly sizeBytes: number;
}

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The bytes as text, one character each; shorter where the bytes end before. */
export function ascii(bytes: Uint8Array, start: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(start, start + length));
}
