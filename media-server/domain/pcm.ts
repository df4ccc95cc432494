/** Two channels of 16 bits at 48 kHz, interleaved and little-endian. */
export const FRAME_BYTES = 4;
export const PCM_ARGS: readonly string[] = ['-f', 's16le', '-ar', '48000', '-ac', '2'];

const MAX_SAMPLE = 32_767;

/** Sound of one voice from a position on, in frames; what has been read is gone. */
export class PcmQueue {
  #chunks: Buffer = Buffer.alloc(0);
  #position: number;

  constructor(position: number) {
    this.#position = position;
  }

  push(bytes: Buffer): void {
    this.#chunks = Buffer.concat([this.#chunks, bytes]);
  }

  /** Adds what is there of the frames behind `position` to `sum`; what is missing counts as silence, also when it comes later. */
  addTo(sum: Float64Array, position: number): void {
    const late = Math.max(0, position - this.#position);
    this.#drop(late);
    const gap = Math.max(0, this.#position - position) * 2;
    const samples = Math.min(sum.length - gap, Math.floor(this.#chunks.length / FRAME_BYTES) * 2);
    if (samples <= 0) return;
    for (let index = 0; index < samples; index++)
      sum[gap + index] = (sum[gap + index] ?? 0) + this.#chunks.readInt16LE(index * 2);
    this.#drop(samples / 2);
  }

  #drop(frames: number): void {
    const known = Math.min(frames, Math.floor(this.#chunks.length / FRAME_BYTES));
    this.#chunks = this.#chunks.subarray(known * FRAME_BYTES);
    this.#position += known;
  }
}

/** The sum of all voices for `frames` frames behind `position`; what is too loud is clipped. */
export function mixPcm(voices: Iterable<PcmQueue>, position: number, frames: number): Buffer {
  const sum = new Float64Array(frames * 2);
  for (const voice of voices) voice.addTo(sum, position);
  const mixed = Buffer.alloc(frames * FRAME_BYTES);
  for (const [index, value] of sum.entries())
    mixed.writeInt16LE(Math.max(-MAX_SAMPLE, Math.min(MAX_SAMPLE, value)), index * 2);
  return mixed;
}
