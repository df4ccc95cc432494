import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { CodedError, invalid, Refusal } from '#platform/errors.ts';
import type { FileStore } from '#platform/files/file-store.ts';
import type { AudioSample } from '../domain/audio-bytes.ts';
import { durationMs } from '../domain/audio-duration.ts';
import { audioFormat, FORMAT_FILES, MAX_AUDIO_BYTES } from '../domain/audio-format.ts';
import { id3Bytes } from '../domain/mp3.ts';
import type { TrackAudio } from '../domain/track.ts';

// Metadata stands in front of the audio in most files; more than this is not worth reading for a length.
const HEAD_BYTES = 64 * 1024;
// An Ogg page has at most 65,307 bytes, so the last one is in here whole.
const TAIL_BYTES = 128 * 1024;

/** A file as it arrives: every call reads it from its first byte. */
export interface Upload {
  createReadStream(): Readable;
}

/** Checks what the file is, stores it under a fresh key and finds out how long it plays. Refuses what is no audio, or too large. */
export async function storeAudio(files: FileStore, upload: Upload): Promise<TrackAudio> {
  try {
    const head = await readHead(upload.createReadStream());
    const format = audioFormat(head);
    const { extension, contentType } = FORMAT_FILES[format];
    const audioKey = `tracks/${randomUUID()}.${extension}`;
    const sampler = createSampler(id3Bytes(head));
    const limits = { contentType, maxBytes: MAX_AUDIO_BYTES, field: 'input.file' };
    const content = Readable.from(sampler.watch(upload.createReadStream()), { objectMode: false });
    const { bytes: sizeBytes, sha256 } = await files.put(audioKey, content, limits);
    return {
      audioKey,
      audioFormat: format,
      sizeBytes,
      sha256,
      durationMs: durationMs(format, sampler.sample()),
    };
  } catch (error) {
    throw uploadError(error) ?? error;
  }
}

// What the transport says of a file that it could not receive whole: it has a limit of its own, and clients go away.
function uploadError(error: unknown): Error | null {
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 0;
  if (status < 400 || status >= 500) return null;
  if (status !== 413) return new CodedError('BAD_REQUEST', 'The file broke off.', {}, error);
  const message = `The file is larger than ${MAX_AUDIO_BYTES} bytes.`;
  return new Refusal(invalid('input.file', 'FILE_TOO_LARGE', message));
}

async function readHead(stream: Readable): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= HEAD_BYTES) break;
  }
  return Buffer.concat(chunks);
}

/** Passes a file through and keeps the parts that tell its length: `HEAD_BYTES` from `headOffset` on, and the end. */
function createSampler(headOffset: number) {
  const head = Buffer.alloc(HEAD_BYTES);
  let headLength = 0;
  let tail: Buffer[] = [];
  let tailLength = 0;
  let sizeBytes = 0;
  const keep = (chunk: Buffer) => {
    const from = headOffset + headLength - sizeBytes;
    if (from < chunk.length) headLength += chunk.copy(head, headLength, Math.max(0, from));
    sizeBytes += chunk.length;
    tail.push(chunk);
    tailLength += chunk.length;
    while (tail[0] && tailLength - tail[0].length >= TAIL_BYTES) tailLength -= tail.shift()!.length;
  };
  return {
    async *watch(stream: Readable): AsyncGenerator<Buffer> {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        keep(chunk);
        yield chunk;
      }
    },
    sample: (): AudioSample => ({
      head: head.subarray(0, headLength),
      headOffset,
      tail: Buffer.concat(tail),
      sizeBytes,
    }),
  };
}
