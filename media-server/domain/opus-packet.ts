/** Opus counts time in samples of 48 kHz, whatever it encodes. */
export const OPUS_RATE_HZ = 48_000;
/** 20 ms, what browsers send in one packet. */
export const FRAME_SAMPLES = 960;
/** 20 ms of digital silence: a frame of CELT that says nothing but that (RFC 6716, section 4.3). */
export const SILENT_FRAME: Buffer = Buffer.from([0xf8, 0xff, 0xfe]);

const MAX_PACKET_SAMPLES = 5_760;
const SILK_SAMPLES = [480, 960, 1_920, 2_880] as const;
const HYBRID_SAMPLES = [480, 960] as const;
const CELT_SAMPLES = [120, 240, 480, 960] as const;

/** How long a packet plays, in samples (RFC 6716, section 3); 0 for one that is malformed. */
export function opusSamples(packet: Buffer): number {
  const [toc, count = 0] = packet;
  if (toc === undefined) return 0;
  const frames = [1, 2, 2, count & 0x3f][toc & 0x03] ?? 0;
  const samples = frames * frameSamples(toc >> 3);
  return samples <= MAX_PACKET_SAMPLES ? samples : 0;
}

function frameSamples(config: number): number {
  if (config < 12) return SILK_SAMPLES[config % 4] ?? 0;
  return (config < 16 ? HYBRID_SAMPLES[config % 2] : CELT_SAMPLES[config % 4]) ?? 0;
}
