import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { extend, NOTHING, oggHeaders, oggPage } from '../../media-server/domain/ogg-opus.ts';
import { opusSamples, SILENT_FRAME } from '../../media-server/domain/opus-packet.ts';
import { readRtp } from '../../media-server/domain/rtp-packet.ts';
import { HOLD_SAMPLES, Timeline } from '../../media-server/domain/timeline.ts';

const MS = 48;
const FRAME_MS = 20;
/** A frame that is not silence, told from others by its last byte. */
const frame = (name: number) => Buffer.from([0xf8, 1, name]);
const namesOf = (packets: readonly Buffer[]) =>
  packets.map((packet) => (packet.equals(SILENT_FRAME) ? '-' : String(packet[2]))).join(' ');

describe('the timeline of a recorded speaker', () => {
  /** Sends frames 1, 2, 3 … with `sent` and `arrived` in milliseconds. */
  const record = (packets: readonly (readonly [sentMs: number, arrivedMs: number])[], endMs: number) => {
    const timeline = new Timeline(0);
    for (const [index, [sentMs, arrivedMs]] of packets.entries())
      timeline.push(
        { timestamp: (2 ** 32 - 50 * MS + sentMs * MS) % 2 ** 32, payload: frame(index + 1) },
        arrivedMs * MS,
      );
    return namesOf(timeline.finish(endMs * MS));
  };

  it('puts packets in the order of their timestamps, across the end of what a timestamp can hold', () => {
    const packets = [0, 20, 60, 40, 80].map((sentMs) => [sentMs, sentMs] as const);
    assert.equal(record(packets, 100), '1 2 4 3 5');
  });

  it('fills what was lost, left out, or is missing at the end', () => {
    assert.equal(
      record(
        [
          [0, 0],
          [60, 60],
        ],
        140,
      ),
      '1 - - 2 - - -',
    );
  });

  it('takes a packet that comes twice once', () => {
    assert.equal(
      record(
        [
          [0, 0],
          [20, 20],
          [20, 30],
          [40, 40],
        ],
        60,
      ),
      '1 2 4',
    );
  });

  it('lets a burst that the network held up stay where it was sent', () => {
    const packets = [0, 20, 40, 60, 80, 100].map((sentMs) => [sentMs, Math.max(sentMs, 100)] as const);
    assert.equal(record(packets, 120), '1 2 3 4 5 6');
  });

  it('follows the clock where timestamps stand still while nothing is sent', () => {
    assert.equal(
      record(
        [
          [0, 0],
          [20, 20],
          [40, 240],
          [60, 260],
        ],
        280,
      ),
      `1 2 ${'- '.repeat(10)}3 4`,
    );
  });

  it('goes on at its moment with timestamps of another count', () => {
    const timeline = new Timeline(0);
    timeline.push({ timestamp: 5_000_000, payload: frame(1) }, 0);
    timeline.cut();
    timeline.push({ timestamp: 7, payload: frame(2) }, 60 * MS);
    assert.equal(namesOf(timeline.finish(80 * MS)), '1 - - 2');
  });

  it('hands out nothing that a later packet could still come before', () => {
    const timeline = new Timeline(0);
    timeline.push({ timestamp: 0, payload: frame(1) }, 0);
    assert.equal(namesOf(timeline.advance(HOLD_SAMPLES - 1)), '');
    assert.equal(namesOf(timeline.advance(HOLD_SAMPLES)), '1');
    assert.equal(namesOf(timeline.advance(HOLD_SAMPLES + 60 * MS)), '- -');
    assert.equal(timeline.position, 60 * MS);
  });

  it('stays within a frame of the truth for an hour of a clock that runs wrong', () => {
    const timeline = new Timeline(0);
    const fast = 1.0002;
    let handedOut = 0;
    for (let ms = 0; ms < 3_600_000; ms += FRAME_MS) {
      timeline.push({ timestamp: Math.round(ms * MS * fast) % 2 ** 32, payload: frame(1) }, ms * MS);
      handedOut += timeline.advance(ms * MS).length;
    }
    handedOut += timeline.finish(3_600_000 * MS).length;
    assert.ok(Math.abs(handedOut * FRAME_MS - 3_600_000) <= 100, `${handedOut * FRAME_MS} ms`);
  });
});

describe('an Ogg file of Opus', () => {
  const pages = [1, 2, 3].map((sequence) =>
    oggPage({
      serial: 7,
      sequence: sequence + 1,
      granule: sequence * 960,
      packets: [frame(sequence), Buffer.alloc(600)],
    }),
  );
  const file = Buffer.concat([oggHeaders(7), ...pages]);

  it('is whole up to its last page, wherever it is cut', () => {
    const whole = extend(NOTHING, file);
    assert.deepEqual(whole, { bytes: file.length, serial: 7, pages: 5, granule: 2_880, ended: false });
    const last = pages[2]?.length ?? 0;
    for (let cut = 1; cut <= last; cut++) {
      const { bytes, granule } = extend(NOTHING, file.subarray(0, file.length - cut));
      assert.deepEqual([bytes, granule], [file.length - last, 1_920], `${cut} bytes cut off`);
    }
  });

  it('ends where a byte was changed', () => {
    const broken = Buffer.from(file);
    const at = file.length - 10;
    broken.writeUInt8(broken.readUInt8(at) ^ 1, at);
    assert.equal(extend(NOTHING, broken).granule, 1_920);
  });
});

describe('packets', () => {
  it('of Opus tell how long they play', () => {
    assert.equal(opusSamples(SILENT_FRAME), 960);
    assert.equal(opusSamples(Buffer.from([0x78, 0])), 960, 'hybrid, 20 ms');
    assert.equal(opusSamples(Buffer.from([0x18, 0])), 2_880, 'SILK, 60 ms');
    assert.equal(opusSamples(Buffer.from([0xfb, 6])), 5_760, 'six frames of 20 ms');
    assert.equal(opusSamples(Buffer.from([0xfb, 7])), 0, 'more than 120 ms');
    assert.equal(opusSamples(Buffer.alloc(0)), 0);
  });

  it('of RTP are read behind their extensions, without their padding', () => {
    const header = Buffer.alloc(12);
    header.writeUInt8(0x80 | 0x20 | 0x10 | 1, 0);
    header.writeUInt32BE(1_234, 4);
    const extension = Buffer.from([0xbe, 0xde, 0, 1, 0x10, 0x55, 0, 0]);
    const packet = Buffer.concat([
      header,
      Buffer.alloc(4),
      extension,
      Buffer.from('sound'),
      Buffer.from([0, 0, 3]),
    ]);
    const read = readRtp(packet);
    assert.deepEqual([read?.timestamp, read?.payload.toString()], [1_234, 'sound']);
    for (let cut = 0; cut < 24; cut++) readRtp(packet.subarray(0, cut));
    assert.equal(readRtp(Buffer.from('nonsense that is no RTP')), null);
  });
});
