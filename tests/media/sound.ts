import { execFileSync } from 'node:child_process';
import { pageBytes } from '../../media-server/domain/ogg-opus.ts';

const PCM_RATE_HZ = 16_000;
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

/** One second of a sine in Opus packets of 20 ms, as a browser would send them. */
export function toneOpus(ffmpeg: string, hertz: number): Buffer[] {
  const source = ['-f', 'lavfi', '-i', `sine=frequency=${hertz}:sample_rate=48000:duration=1`];
  const opus = ['-c:a', 'libopus', '-b:a', '64k', '-vbr', 'off', '-frame_duration', '20', '-f', 'ogg', '-'];
  const file = execFileSync(ffmpeg, ['-loglevel', 'error', ...source, '-af', 'volume=6', ...opus]);
  return oggPackets(file).slice(2);
}

/** The packets of an Ogg file, headers first. */
export function oggPackets(file: Buffer): Buffer[] {
  const packets: Buffer[] = [];
  for (let at = 0; at < file.length;) {
    const length = pageBytes(file, at);
    if (length === null) throw new Error(`no whole page at byte ${at}`);
    const segments = file.readUInt8(at + 26);
    let from = at + 27 + segments;
    let to = from;
    for (const size of file.subarray(at + 27, at + 27 + segments)) {
      to += size;
      if (size === 255) continue;
      packets.push(file.subarray(from, to));
      from = to;
    }
    at += length;
  }
  return packets;
}

/** Decoded sound: one channel, 16 kHz. */
export interface Sound {
  readonly durationMs: number;
  /** How loud a frequency is between two moments: the amplitude of its sine, 1 is full scale. */
  amplitude(hertz: number, fromMs: number, toMs: number): number;
}

export function decode(ffmpeg: string, path: string): Sound {
  const args = ['-loglevel', 'error', '-i', path, '-f', 's16le', '-ac', '1', '-ar', String(PCM_RATE_HZ), '-'];
  const bytes = execFileSync(ffmpeg, args, { maxBuffer: MAX_OUTPUT_BYTES });
  const samples = Int16Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readInt16LE(index * 2));
  const at = (ms: number) => Math.round((ms / 1_000) * PCM_RATE_HZ);
  return {
    durationMs: (samples.length / PCM_RATE_HZ) * 1_000,
    amplitude: (hertz, fromMs, toMs) => goertzel(samples.subarray(at(fromMs), at(toMs)), hertz),
  };
}

function goertzel(samples: Int16Array, hertz: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * hertz) / PCM_RATE_HZ);
  let [before, last] = [0, 0];
  for (const sample of samples) [before, last] = [last, sample / 32_768 + coefficient * last - before];
  const power = before ** 2 + last ** 2 - coefficient * before * last;
  return (2 * Math.sqrt(Math.max(0, power))) / samples.length;
}
