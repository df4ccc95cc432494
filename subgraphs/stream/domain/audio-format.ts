import { invalid, Refusal } from '#platform/errors.ts';
import { ascii } from './audio-bytes.ts';

export type AudioFormat = 'WAV' | 'FLAC' | 'MP3' | 'OGG' | 'M4A' | 'AAC' | 'AIFF';

export const MAX_AUDIO_BYTES = 200 * 1024 * 1024;

/** How each format is stored and served. */
export const FORMAT_FILES: Readonly<Record<AudioFormat, { extension: string; contentType: string }>> = {
  WAV: { extension: 'wav', contentType: 'audio/wav' },
  FLAC: { extension: 'flac', contentType: 'audio/flac' },
  MP3: { extension: 'mp3', contentType: 'audio/mpeg' },
  OGG: { extension: 'ogg', contentType: 'audio/ogg' },
  M4A: { extension: 'm4a', contentType: 'audio/mp4' },
  AAC: { extension: 'aac', contentType: 'audio/aac' },
  AIFF: { extension: 'aiff', contentType: 'audio/aiff' },
};

// Brands of ISO base media files that audio encoders write.
const M4A_BRANDS: readonly string[] = ['M4A ', 'M4B ', 'mp41', 'mp42', 'isom', 'iso2', 'dash'];

const CHECKS: readonly [AudioFormat, (head: Uint8Array) => boolean][] = [
  ['WAV', (head) => ascii(head, 0, 4) === 'RIFF' && ascii(head, 8, 4) === 'WAVE'],
  ['FLAC', (head) => ascii(head, 0, 4) === 'fLaC'],
  ['OGG', (head) => ascii(head, 0, 4) === 'OggS'],
  ['AIFF', (head) => ascii(head, 0, 4) === 'FORM' && ['AIFF', 'AIFC'].includes(ascii(head, 8, 4))],
  ['M4A', (head) => ascii(head, 4, 4) === 'ftyp' && M4A_BRANDS.includes(ascii(head, 8, 4))],
  ['MP3', (head) => ascii(head, 0, 3) === 'ID3' || isLayer3(head)],
  // ADTS: 12 bits of sync, any id, layer 0.
  ['AAC', ([first = 0, second = 0]) => first === 0xff && (second & 0xf6) === 0xf0],
];

/** MPEG audio: 11 bits of sync, layer III, a bitrate and a sample rate that exist. */
function isLayer3([first = 0, second = 0, third = 0]: Uint8Array): boolean {
  const synced = first === 0xff && (second & 0xe0) === 0xe0;
  const layer3 = (second & 0x06) === 0x02;
  return synced && layer3 && third >> 4 !== 15 && third >> 4 !== 0 && (third & 0x0c) !== 0x0c;
}

/** The format by the file's first bytes, because what a client says of it proves nothing. Refuses what is no audio we know. */
export function audioFormat(head: Uint8Array): AudioFormat {
  if (head.length === 0) throw new Refusal(invalid('input.file', 'EMPTY_FILE', 'The file is empty.'));
  const found = CHECKS.find(([, matches]) => matches(head));
  if (found) return found[0];
  const message = 'The file must be WAV, FLAC, MP3, OGG, M4A, AAC or AIFF.';
  throw new Refusal(invalid('input.file', 'UNSUPPORTED_FORMAT', message));
}
