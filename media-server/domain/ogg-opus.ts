import { OPUS_RATE_HZ } from './opus-packet.ts';

/** Ogg pages (RFC 3533) of one Opus stream (RFC 7845). A file of them is whole up to its last page, wherever it was cut. */
export interface OggPage {
  readonly serial: number;
  /** Number of the page in its stream, from 0. */
  readonly sequence: number;
  /** Samples played by the end of the page. */
  readonly granule: number;
  readonly packets: readonly Buffer[];
  readonly kind?: 'first' | 'last';
}

/** What a file, or what is left of it, holds. */
export interface OggExtent {
  /** Bytes up to the end of its last whole page. */
  readonly bytes: number;
  readonly serial: number;
  /** Pages in these bytes. */
  readonly pages: number;
  /** Samples played by the end of the last page. */
  readonly granule: number;
  /** Whether the stream was ended. */
  readonly ended: boolean;
}

const HEADER_BYTES = 27;
const MAX_SEGMENTS = 255;
const FLAGS = { first: 2, last: 4 } as const;
const END_FLAG = FLAGS.last;

const CRC = Uint32Array.from({ length: 256 }, (_, index) => {
  let remainder = index << 24;
  for (let bit = 0; bit < 8; bit++)
    remainder = remainder & 0x8000_0000 ? (remainder << 1) ^ 0x04c1_1db7 : remainder << 1;
  return remainder >>> 0;
});

function crcOf(page: Buffer): number {
  let crc = 0;
  for (const byte of page) crc = ((crc << 8) ^ (CRC[(crc >>> 24) ^ byte] ?? 0)) >>> 0;
  return crc;
}

/** Entries that a packet takes in a page's segment table; a page has room for 255. */
export const segmentsOf = (packet: Buffer): number => Math.floor(packet.length / 255) + 1;
export const fitsPage = (segments: number): boolean => segments <= MAX_SEGMENTS;

export function oggPage({ serial, sequence, granule, packets, kind }: OggPage): Buffer {
  const table = packets.flatMap((packet) => [
    ...Array<number>(segmentsOf(packet) - 1).fill(255),
    packet.length % 255,
  ]);
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('OggS', 0, 'latin1');
  header.writeUInt8(kind ? FLAGS[kind] : 0, 5);
  header.writeBigInt64LE(BigInt(granule), 6);
  header.writeUInt32LE(serial, 14);
  header.writeUInt32LE(sequence, 18);
  header.writeUInt8(table.length, 26);
  const page = Buffer.concat([header, Buffer.from(table), ...packets]);
  page.writeUInt32LE(crcOf(page), 22);
  return page;
}

/** The two pages that a stream begins with. No samples are skipped: tracks begin at the same moment of their recording as before they were encoded. */
export function oggHeaders(serial: number): Buffer {
  const head = Buffer.alloc(19);
  head.write('OpusHead', 0, 'latin1');
  head.writeUInt8(1, 8);
  head.writeUInt8(2, 9);
  head.writeUInt32LE(OPUS_RATE_HZ, 12);
  const vendor = Buffer.from('veza');
  const tags = Buffer.alloc(16 + vendor.length);
  tags.write('OpusTags', 0, 'latin1');
  tags.writeUInt32LE(vendor.length, 8);
  vendor.copy(tags, 12);
  return Buffer.concat([
    oggPage({ serial, sequence: 0, granule: 0, packets: [head], kind: 'first' }),
    oggPage({ serial, sequence: 1, granule: 0, packets: [tags] }),
  ]);
}

/** The length of the page that begins at `at`; null where the bytes hold no whole one there. */
export function pageBytes(bytes: Buffer, at: number): number | null {
  if (at + HEADER_BYTES > bytes.length || bytes.toString('latin1', at, at + 4) !== 'OggS') return null;
  const segments = bytes.readUInt8(at + 26);
  let length = HEADER_BYTES + segments;
  if (at + length > bytes.length) return null;
  for (const segment of bytes.subarray(at + HEADER_BYTES, at + length)) length += segment;
  if (at + length > bytes.length) return null;
  const page = Buffer.from(bytes.subarray(at, at + length));
  const given = page.readUInt32LE(22);
  page.writeUInt32LE(0, 22);
  return crcOf(page) === given ? length : null;
}

export const NOTHING: OggExtent = { bytes: 0, serial: 0, pages: 0, granule: 0, ended: false };

/** `extent` and the whole pages behind it, of which `bytes` begin with the next one. */
export function extend(extent: OggExtent, bytes: Buffer): OggExtent {
  let { bytes: total, serial, pages, granule, ended } = extent;
  for (let at = 0; ;) {
    const length = pageBytes(bytes, at);
    if (length === null) return { bytes: total, serial, pages, granule, ended };
    serial = bytes.readUInt32LE(at + 14);
    granule = Number(bytes.readBigInt64LE(at + 6));
    ended = (bytes.readUInt8(at + 5) & END_FLAG) !== 0;
    pages++;
    total += length;
    at += length;
  }
}
