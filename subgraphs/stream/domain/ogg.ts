import { ascii, viewOf, type AudioSample } from './audio-bytes.ts';

const PAGE_HEADER_BYTES = 27;
const OPUS_RATE_HZ = 48_000;

interface Codec {
  /** Granules per second. */
  readonly rateHz: number;
  /** Samples at the start that are not played. */
  readonly preSkip: number;
}

/** The last page of the first page's stream says how many samples were played by its end (RFC 3533, section 6). */
export function oggDurationMs({ head, tail }: AudioSample): number | null {
  const view = viewOf(head);
  const codec = codecOf(head, PAGE_HEADER_BYTES + view.getUint8(26));
  if (codec === null || codec.rateHz === 0) return null;
  const granule = lastGranule(tail, view.getUint32(14, true));
  return granule === null ? null : ((granule - codec.preSkip) / codec.rateHz) * 1_000;
}

function codecOf(head: Uint8Array, packetAt: number): Codec | null {
  const view = viewOf(head);
  if (ascii(head, packetAt, 8) === 'OpusHead')
    return { rateHz: OPUS_RATE_HZ, preSkip: view.getUint16(packetAt + 10, true) };
  if (ascii(head, packetAt, 7) === '\u0001vorbis')
    return { rateHz: view.getUint32(packetAt + 12, true), preSkip: 0 };
  return null;
}

function lastGranule(tail: Uint8Array, serial: number): number | null {
  const view = viewOf(tail);
  for (let at = tail.length - PAGE_HEADER_BYTES; at >= 0; at--) {
    if (ascii(tail, at, 4) !== 'OggS' || view.getUint32(at + 14, true) !== serial) continue;
    const granule = Number(view.getBigInt64(at + 6, true));
    // -1: no packet ends on this page.
    if (granule >= 0) return granule;
  }
  return null;
}
