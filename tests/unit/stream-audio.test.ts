import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Refusal } from '#platform/errors.ts';
import { durationMs } from '../../subgraphs/stream/domain/audio-duration.ts';
import { audioFormat } from '../../subgraphs/stream/domain/audio-format.ts';
import { id3Bytes } from '../../subgraphs/stream/domain/mp3.ts';
import { seededRandom } from '../support/random.ts';
import { toneWav } from '../support/wav.ts';

const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
  );
const whole = (file: Buffer, headOffset = 0) => ({
  head: file.subarray(headOffset),
  headOffset,
  tail: file,
  sizeBytes: file.length,
});

// MPEG 1 layer III, 128 kbit/s, 44,100 Hz, stereo: 417 bytes a frame, and 413 behind the header.
const MP3_FRAME = Buffer.concat([Buffer.from([0xff, 0xfb, 0x90, 0x00]), Buffer.alloc(413)]);

function xingFrame(frames: number): Buffer {
  const frame = Buffer.from(MP3_FRAME);
  frame.write('Xing', 36, 'latin1');
  frame.writeUInt32BE(1, 40);
  frame.writeUInt32BE(frames, 44);
  return frame;
}

function oggPage(granule: bigint, payload: Buffer, serial = 7): Buffer {
  const header = Buffer.alloc(28);
  header.write('OggS', 0, 'latin1');
  header.writeBigInt64LE(granule, 6);
  header.writeUInt32LE(serial, 14);
  header[26] = 1;
  header[27] = payload.length;
  return Buffer.concat([header, payload]);
}

function opusHead(preSkip: number): Buffer {
  const head = Buffer.alloc(19);
  head.write('OpusHead', 0, 'latin1');
  head.writeUInt16LE(preSkip, 10);
  return head;
}

function flac(rateHz: number, samples: number): Buffer {
  const file = Buffer.alloc(42);
  file.write('fLaC', 0, 'latin1');
  file.writeUInt32BE(rateHz * 2 ** 12, 18);
  file.writeUInt32BE(samples, 22);
  return file;
}

function aiff(frames: number): Buffer {
  const file = Buffer.alloc(12 + 8 + 18);
  file.write('FORM', 0, 'latin1');
  file.write('AIFFCOMM', 8, 'latin1');
  file.writeUInt32BE(18, 16);
  file.writeUInt32BE(frames, 22);
  // 44,100 as an 80-bit float.
  file.set([0x40, 0x0e, 0xac, 0x44], 28);
  return file;
}

describe('the format of an audio file', () => {
  it('is told by its first bytes', () => {
    assert.equal(audioFormat(toneWav()), 'WAV');
    assert.equal(audioFormat(bytes('fLaC', [0, 0, 0, 34])), 'FLAC');
    assert.equal(audioFormat(bytes('OggS')), 'OGG');
    assert.equal(audioFormat(bytes('FORM', [0, 0, 0, 9], 'AIFC')), 'AIFF');
    assert.equal(audioFormat(bytes([0, 0, 0, 28], 'ftypM4A ')), 'M4A');
    assert.equal(audioFormat(bytes('ID3', [4, 0, 0, 0, 0, 0, 0])), 'MP3');
    assert.equal(audioFormat(MP3_FRAME), 'MP3');
    assert.equal(audioFormat(bytes([0xff, 0xf1, 0x50, 0x80])), 'AAC');
  });

  it('is refused where it is no audio, whatever else it is', () => {
    const ruleOf = (head: Buffer) => {
      try {
        return audioFormat(head);
      } catch (error) {
        return error instanceof Refusal ? error.errors[0]['rule'] : error;
      }
    };
    assert.equal(ruleOf(Buffer.alloc(0)), 'EMPTY_FILE');
    assert.equal(ruleOf(bytes([0x89], 'PNG\r\n')), 'UNSUPPORTED_FORMAT');
    assert.equal(ruleOf(bytes('<html>')), 'UNSUPPORTED_FORMAT');
    assert.equal(ruleOf(bytes('RIFF', [0, 0, 0, 0], 'AVI ')), 'UNSUPPORTED_FORMAT');
    assert.equal(ruleOf(bytes([0, 0, 0, 28], 'ftypqt  ')), 'UNSUPPORTED_FORMAT');
    assert.equal(ruleOf(bytes([0xff, 0xff, 0xff, 0xff])), 'UNSUPPORTED_FORMAT');
  });
});

describe('the length of an audio file', () => {
  it('is read from a WAV header, also where the recorder left no size', () => {
    const file = toneWav({ seconds: 1.5 });
    assert.equal(durationMs('WAV', whole(file)), 1_500);
    for (const size of [0, 0xffff_ffff]) {
      file.writeUInt32LE(size, 40);
      assert.equal(durationMs('WAV', whole(file)), 1_500);
    }
  });

  it('is read from FLAC and AIFF headers', () => {
    assert.equal(durationMs('FLAC', whole(flac(48_000, 120_000))), 2_500);
    assert.equal(durationMs('FLAC', whole(flac(48_000, 0))), null);
    assert.equal(durationMs('AIFF', whole(aiff(44_100 * 3))), 3_000);
  });

  it('is what the last Ogg page of the stream says, less what Opus skips', () => {
    const first = oggPage(0n, opusHead(312));
    const last = oggPage(96_312n, Buffer.from('x'));
    const unfinished = oggPage(-1n, Buffer.from('y'));
    const other = oggPage(999_999n, Buffer.from('z'), 8);
    const file = Buffer.concat([first, last, unfinished, other]);
    assert.equal(durationMs('OGG', whole(file)), 2_000);
    assert.equal(durationMs('OGG', whole(oggPage(0n, Buffer.from('Speex   ')))), null);
  });

  it('is counted in frames for MP3, by the encoder or by the constant bitrate', () => {
    const body = Array.from({ length: 100 }, () => MP3_FRAME);
    assert.equal(durationMs('MP3', whole(Buffer.concat([xingFrame(250), ...body]))), 6_531);
    assert.equal(durationMs('MP3', whole(Buffer.concat(body))), 2_606);
    const tagged = Buffer.concat([...body, Buffer.from('TAG'), Buffer.alloc(125)]);
    assert.equal(durationMs('MP3', whole(tagged)), 2_606);
  });

  it('skips an ID3 tag in front of the MP3 frames', () => {
    const tag = bytes(
      'ID3',
      [4, 0, 0, 0, 0, 1, 2],
      Array.from({ length: 130 }, () => 0xff),
    );
    assert.equal(id3Bytes(tag), 140);
    const file = Buffer.concat([tag, ...Array.from({ length: 10 }, () => MP3_FRAME)]);
    assert.equal(durationMs('MP3', whole(file, 140)), 261);
  });

  it('is not guessed for a changing bitrate, M4A, or nonsense', () => {
    const faster = Buffer.concat([Buffer.from([0xff, 0xfb, 0xa0, 0x00]), Buffer.alloc(518)]);
    assert.equal(durationMs('MP3', whole(Buffer.concat([MP3_FRAME, MP3_FRAME, faster, MP3_FRAME]))), null);
    assert.equal(durationMs('M4A', whole(bytes([0, 0, 0, 28], 'ftypM4A '))), null);
    assert.equal(durationMs('WAV', whole(bytes('RIFF', [0, 0, 0, 0], 'WAVE'))), null);
  });

  it('survives any bytes behind a header: it answers a number or null', () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = seededRandom(seed);
    const samples = {
      WAV: toneWav(),
      FLAC: flac(44_100, 10),
      AIFF: aiff(100),
      OGG: oggPage(5n, opusHead(1)),
      MP3: MP3_FRAME,
    };
    for (let round = 0; round < 2_000; round++) {
      for (const [format, sample] of Object.entries(samples) as ['WAV', Buffer][]) {
        const file = Buffer.from(sample.subarray(0, 4 + Math.floor(random() * 200)));
        for (let i = 0; i < 8; i++) file[4 + Math.floor(random() * (file.length - 4))] = random() * 256;
        const ms = durationMs(format, whole(file));
        assert.ok(ms === null || (Number.isInteger(ms) && ms >= 0), `seed ${seed}: ${format} gave ${ms}`);
      }
    }
  });
});
