export interface RtpPacket {
  /** In samples of the stream's clock, modulo 2³². */
  readonly timestamp: number;
  readonly payload: Buffer;
}

const FIXED_HEADER_BYTES = 12;

/** What an RTP packet carries (RFC 3550, section 5.1); null where it is none, or carries nothing. */
export function readRtp(packet: Buffer): RtpPacket | null {
  if (packet.length < FIXED_HEADER_BYTES || packet.readUInt8(0) >> 6 !== 2) return null;
  const flags = packet.readUInt8(0);
  let start = FIXED_HEADER_BYTES + (flags & 0x0f) * 4;
  if (flags & 0x10) {
    if (start + 4 > packet.length) return null;
    start += 4 + packet.readUInt16BE(start + 2) * 4;
  }
  const padding = flags & 0x20 ? packet.readUInt8(packet.length - 1) : 0;
  const end = packet.length - padding;
  return end > start ? { timestamp: packet.readUInt32BE(4), payload: packet.subarray(start, end) } : null;
}
