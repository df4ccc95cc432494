import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SAMPLE_RATE_HZ = 48_000;
const SECONDS = 2;
const WAV_HEADER_BYTES = 44;

/** LEFT: two channels, of which the right one is silent. */
export type ToneChannels = 'MONO' | 'LEFT';

/**
 * A file for `--use-file-for-fake-audio-capture`: a lasting tone, because Chromium's own fake microphone clicks for 20 ms twice a second, which no
 * measurement of speech takes for a voice. It goes round and round without a click where `hz` is a whole number of halves.
 */
export async function createTone(
  channels: ToneChannels = 'MONO',
  hz = 440,
): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'veza-tone-'));
  const path = join(folder, 'tone.wav');
  await writeFile(path, tone(channels === 'MONO' ? 1 : 2, hz));
  return { path, remove: () => rm(folder, { recursive: true }) };
}

// RIFF WAVE, PCM, 16 bits; the tone is in the first channel.
function tone(channels: number, hz: number): Buffer {
  const samples = SAMPLE_RATE_HZ * SECONDS;
  const frameBytes = channels * 2;
  const wav = Buffer.alloc(WAV_HEADER_BYTES + samples * frameBytes);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(channels, 22);
  wav.writeUInt32LE(SAMPLE_RATE_HZ, 24);
  wav.writeUInt32LE(SAMPLE_RATE_HZ * frameBytes, 28);
  wav.writeUInt16LE(frameBytes, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(samples * frameBytes, 40);
  for (let n = 0; n < samples; n++) {
    const value = Math.sin((2 * Math.PI * hz * n) / SAMPLE_RATE_HZ) * 0.3;
    wav.writeInt16LE(Math.round(value * 32_767), WAV_HEADER_BYTES + n * frameBytes);
  }
  return wav;
}
