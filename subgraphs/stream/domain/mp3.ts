import { ascii, viewOf, type AudioSample } from './audio-bytes.ts';

interface Frame {
  readonly mpeg1: boolean;
  readonly mono: boolean;
  readonly bitrateKbps: number;
  readonly rateHz: number;
  readonly samples: number;
  readonly bytes: number;
}

const KBPS_MPEG1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const KBPS_MPEG2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const RATES_HZ = [44_100, 48_000, 32_000];
const RATE_DIVISORS = new Map([
  [3, 1],
  [2, 2],
  [0, 4],
]);
const ID3V1_BYTES = 128;
// Encoders pad what stands between a tag and the first frame; further away it is no MP3 to rely on.
const MAX_SEARCH_BYTES = 8_192;

/** Bytes of an ID3v2 tag at the start of a file, its header included; 0 where there is none. */
export function id3Bytes(head: Uint8Array): number {
  if (head.length < 10 || ascii(head, 0, 3) !== 'ID3') return 0;
  // Four times seven bits.
  const size = head.subarray(6, 10).reduce((sum, byte) => sum * 128 + (byte & 0x7f), 0);
  const hasFooter = (viewOf(head).getUint8(5) & 0x10) !== 0;
  return 10 + size + (hasFooter ? 10 : 0);
}

/** By the frame count that encoders leave in the first frame; else by the bitrate where it is constant as far as the head reaches. */
export function mp3DurationMs(sample: AudioSample): number | null {
  const { head } = sample;
  const at = firstFrameAt(head);
  if (at === null) return null;
  const frame = frameAt(head, at)!;
  const count = frameCount(head, at, frame);
  if (count > 0) return ((count * frame.samples) / frame.rateHz) * 1_000;
  if (!isConstant(head, at, frame.bitrateKbps)) return null;
  const tagBytes = ascii(sample.tail, sample.tail.length - ID3V1_BYTES, 3) === 'TAG' ? ID3V1_BYTES : 0;
  return ((sample.sizeBytes - sample.headOffset - at - tagBytes) * 8) / frame.bitrateKbps;
}

function firstFrameAt(head: Uint8Array): number | null {
  for (let at = 0; at < Math.min(head.length, MAX_SEARCH_BYTES); at++) {
    const frame = frameAt(head, at);
    if (frame === null) continue;
    const next = at + frame.bytes;
    // Sync bits turn up by chance; a second frame where the first one ends does not.
    if (next + 4 > head.length || frameAt(head, next) !== null) return at;
  }
  return null;
}

function frameAt(bytes: Uint8Array, at: number): Frame | null {
  const [first = 0, second = 0, third = 0, fourth = 0] = bytes.subarray(at, at + 4);
  const divisor = RATE_DIVISORS.get((second >> 3) & 3);
  if (first !== 0xff || (second & 0xe6) !== 0xe2 || divisor === undefined) return null;
  const mpeg1 = divisor === 1;
  const bitrateKbps = (mpeg1 ? KBPS_MPEG1 : KBPS_MPEG2)[third >> 4] ?? 0;
  const rateHz = (RATES_HZ[(third >> 2) & 3] ?? 0) / divisor;
  if (bitrateKbps === 0 || rateHz === 0) return null;
  const samples = mpeg1 ? 1_152 : 576;
  const padding = (third >> 1) & 1;
  const length = Math.floor((samples / 8) * ((bitrateKbps * 1_000) / rateHz)) + padding;
  return { mpeg1, mono: fourth >> 6 === 3, bitrateKbps, rateHz, samples, bytes: length };
}

function frameCount(head: Uint8Array, at: number, { mpeg1, mono }: Frame): number {
  const view = viewOf(head);
  const sideBytes = mpeg1 ? (mono ? 17 : 32) : mono ? 9 : 17;
  const xing = at + 4 + sideBytes;
  if (['Xing', 'Info'].includes(ascii(head, xing, 4)))
    return (view.getUint32(xing + 4) & 1) === 1 ? view.getUint32(xing + 8) : 0;
  const vbri = at + 36;
  return ascii(head, vbri, 4) === 'VBRI' ? view.getUint32(vbri + 14) : 0;
}

function isConstant(head: Uint8Array, start: number, bitrateKbps: number): boolean {
  for (let at = start; at + 4 <= head.length;) {
    const frame = frameAt(head, at);
    if (frame === null || frame.bitrateKbps !== bitrateKbps) return frame === null && at > start;
    at += frame.bytes;
  }
  return true;
}
