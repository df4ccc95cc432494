const RATE_HZ = 16_000;
const HEADER_BYTES = 44;
const NOTE_MS = 500;
const LOUDNESS = 0.25;

/** A mono 16-bit WAV file: the notes one after the other, round and round, each with a soft start and a slow end. */
export function toneWav(notesHz: readonly number[], lengthMs: number): Buffer {
  const samples = Math.round((lengthMs / 1_000) * RATE_HZ);
  const file = Buffer.alloc(HEADER_BYTES + samples * 2);
  writeHeader(file, samples * 2);
  for (let index = 0; index < samples; index++) {
    const value = Math.round(sampleAt(notesHz, index) * 32_767);
    file.writeInt16LE(value, HEADER_BYTES + index * 2);
  }
  return file;
}

function sampleAt(notesHz: readonly number[], index: number): number {
  const noteSamples = (NOTE_MS / 1_000) * RATE_HZ;
  const note = notesHz[Math.floor(index / noteSamples) % notesHz.length] ?? 0;
  const progress = (index % noteSamples) / noteSamples;
  const envelope = Math.min(1, progress * 20) * (1 - progress);
  const phase = (2 * Math.PI * note * index) / RATE_HZ;
  return LOUDNESS * envelope * (Math.sin(phase) + 0.3 * Math.sin(2 * phase));
}

function writeHeader(file: Buffer, dataBytes: number): void {
  file.write('RIFF', 0, 'latin1');
  file.writeUInt32LE(file.length - 8, 4);
  file.write('WAVEfmt ', 8, 'latin1');
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(RATE_HZ, 24);
  file.writeUInt32LE(RATE_HZ * 2, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36, 'latin1');
  file.writeUInt32LE(dataBytes, 40);
}
