import { opusStream } from '../../media/media-kit.ts';

/** What the speaker sends: Opus-sized packets (RFC 3550), whose payload says when each was sent and is known to the listeners. */

export const PACKETS_PER_S = 50;
export const PACKET_MS = 1_000 / PACKETS_PER_S;
/** 20 ms of speech at 40 kb/s, what the media server asks speakers for. */
export const PAYLOAD_BYTES = 100;
/** 48 kHz for 20 ms. */
const TIMESTAMP_STEP = 960;
const TICKS_PER_MS = 48;
const PAYLOAD_TYPE = 111;
const FIXED_HEADER_BYTES = 12;
/** RFC 6464, as a one-byte extension of RFC 8285 in a word of its own: extension 1, one byte, -30 dBov, voice. */
const AUDIO_LEVEL = [0xbe, 0xde, 0, 1, 0x10, 0x80 | 30, 0, 0];
/** Of what speakers send. */
const HEADER_BYTES = FIXED_HEADER_BYTES + AUDIO_LEVEL.length;
/** RFC 5761, 4: these second bytes are RTCP. */
const isRtcpType = (second: number) => second >= 192 && second <= 223;

export const streamOf = (ssrc: number) => opusStream(ssrc);

/** Packets of one stream, one after the other. The buffer is used again by the next. */
export function createPacketWriter(ssrc: number): (sentAtNs: bigint) => Buffer {
  const packet = Buffer.concat([headerOf(ssrc), Buffer.alloc(PAYLOAD_BYTES)]);
  let count = 0;
  return (sentAtNs) => {
    number(packet, count);
    packet.fill(count & 0xff, HEADER_BYTES);
    packet.writeUInt32BE(count, HEADER_BYTES);
    packet.writeBigUInt64BE(sentAtNs, HEADER_BYTES + 4);
    count += 1;
    return packet;
  };
}

/** The same with these payloads, round and round. */
export function createSoundWriter(ssrc: number, payloads: readonly Buffer[]): () => Buffer {
  const packets = payloads.map((payload) => Buffer.concat([headerOf(ssrc), payload]));
  let count = 0;
  return () => {
    const packet = packets[count % packets.length];
    if (!packet) throw new Error('there is no sound');
    number(packet, count);
    count += 1;
    return packet;
  };
}

function headerOf(ssrc: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(0x90, 0);
  header.writeUInt8(PAYLOAD_TYPE, 1);
  header.writeUInt32BE(ssrc, 8);
  header.set(AUDIO_LEVEL, FIXED_HEADER_BYTES);
  return header;
}

function number(packet: Buffer, count: number): void {
  packet.writeUInt16BE(count & 0xffff, 2);
  packet.writeUInt32BE((count * TIMESTAMP_STEP) >>> 0, 4);
}

export interface RtpHeader {
  readonly ssrc: number;
  readonly sequence: number;
  /** The sender's clock, in ms. */
  readonly timestampMs: number;
  readonly bytes: number;
}

/** Null for RTCP. */
export function readHeader(packet: Buffer): RtpHeader | null {
  if (isRtcpType(packet.readUInt8(1))) return null;
  const first = packet.readUInt8(0);
  const extensionAt = FIXED_HEADER_BYTES + (first & 0x0f) * 4;
  const extension = first & 0x10 ? 4 + packet.readUInt16BE(extensionAt + 2) * 4 : 0;
  return {
    ssrc: packet.readUInt32BE(8),
    sequence: packet.readUInt16BE(2),
    timestampMs: packet.readUInt32BE(4) / TICKS_PER_MS,
    bytes: extensionAt + extension,
  };
}

/** When the packet of that payload was sent, and which one it is. Throws where the payload is not one of the speaker's. */
export function readPayload(payload: Buffer): { count: number; sentAtNs: bigint } {
  const count = payload.readUInt32BE(0);
  const filling = payload.subarray(12);
  if (payload.length !== PAYLOAD_BYTES || filling.some((byte) => byte !== (count & 0xff)))
    throw new Error('the payload is not what the speaker sent');
  return { count, sentAtNs: payload.readBigUInt64BE(4) };
}
