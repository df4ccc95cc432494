import { ascii, viewOf, type AudioSample } from './audio-bytes.ts';
import type { AudioFormat } from './audio-format.ts';
import { mp3DurationMs } from './mp3.ts';
import { oggDurationMs } from './ogg.ts';

const PARSERS: Readonly<Partial<Record<AudioFormat, (sample: AudioSample) => number | null>>> = {
  WAV: wavDurationMs,
  FLAC: flacDurationMs,
  AIFF: aiffDurationMs,
  MP3: mp3DurationMs,
  OGG: oggDurationMs,
};

// Nobody uploads 48 hours in 200 MiB: such a header is broken, or made to mislead.
const MAX_DURATION_MS = 48 * 3_600_000;

/** Length in whole milliseconds; null where the format does not tell it plainly, or the header makes no sense. */
export function durationMs(format: AudioFormat, sample: AudioSample): number | null {
  try {
    const ms = PARSERS[format]?.(sample) ?? null;
    return ms !== null && ms > 0 && ms <= MAX_DURATION_MS ? Math.round(ms) : null;
  } catch (error) {
    // A header that ends in the middle: reading past the bytes at hand.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

interface Chunk {
  readonly id: string;
  /** Where its content begins. */
  readonly start: number;
  readonly size: number;
}

/** Chunks of a RIFF (little-endian) or IFF (big-endian) file, as far as the head reaches. */
function* chunks(head: Uint8Array, littleEndian: boolean): Generator<Chunk> {
  const view = viewOf(head);
  for (let at = 12; at + 8 <= head.length;) {
    const size = view.getUint32(at + 4, littleEndian);
    yield { id: ascii(head, at, 4), start: at + 8, size };
    // Chunks begin at even places.
    at += 8 + size + (size % 2);
  }
}

function wavDurationMs({ head, sizeBytes }: AudioSample): number | null {
  const view = viewOf(head);
  let bytesPerSecond = 0;
  for (const { id, start, size } of chunks(head, true)) {
    if (id === 'fmt ') bytesPerSecond = view.getUint32(start + 8, true);
    if (id !== 'data') continue;
    // A recorder that was cut off leaves 0 or the largest number as the size.
    const bytes = size === 0 ? sizeBytes - start : Math.min(size, sizeBytes - start);
    return bytesPerSecond > 0 ? (bytes / bytesPerSecond) * 1_000 : null;
  }
  return null;
}

function aiffDurationMs({ head }: AudioSample): number | null {
  const view = viewOf(head);
  for (const { id, start } of chunks(head, false)) {
    if (id !== 'COMM') continue;
    const frames = view.getUint32(start + 2);
    const rateHz = extendedFloat(view, start + 8);
    return rateHz > 0 ? (frames / rateHz) * 1_000 : null;
  }
  return null;
}

/** IEEE 754 extended precision, 80 bits, as AIFF stores sample rates. */
function extendedFloat(view: DataView, at: number): number {
  const exponent = view.getUint16(at) & 0x7fff;
  const mantissa = view.getUint32(at + 2) * 2 ** 32 + view.getUint32(at + 6);
  return mantissa * 2 ** (exponent - 16_383 - 63);
}

// RFC 9639, section 8.2: after the marker and the block header, 20 bits of sample rate stand 10 bytes into STREAMINFO,
// 36 bits of sample count behind them and 8 bits of channels and depth.
function flacDurationMs({ head }: AudioSample): number | null {
  const view = viewOf(head);
  const rateHz = view.getUint32(18) >>> 12;
  const samples = (view.getUint8(21) & 0x0f) * 2 ** 32 + view.getUint32(22);
  return rateHz > 0 && samples > 0 ? (samples / rateHz) * 1_000 : null;
}
