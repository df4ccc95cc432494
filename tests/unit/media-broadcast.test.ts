import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import {
  BroadcastWindow,
  MAX_BLOCKING_MS,
  PART_MS,
  SEGMENT_PARTS,
} from '../../media-server/domain/broadcast-window.ts';
import { readDeliveryDirectives } from '../../media-server/domain/delivery-directives.ts';
import { FragmentedMp4, type Mp4Piece } from '../../media-server/domain/fragmented-mp4.ts';
import { LiveEdge } from '../../media-server/broadcast/live-edge.ts';
import { checkUpdate, readPlaylist } from '../support/hls-playlist.ts';
import { seededRandom } from '../support/random.ts';

const FRAMES = 15;
const MSN = 1_700;
const STARTED_AT_MS = Date.UTC(2026, 0, 1);

const box = (type: string, ...content: readonly Buffer[]): Buffer => {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 + content.reduce((sum, { length }) => sum + length, 0));
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, ...content]);
};
const tfdt = (time: bigint, version = 1) => {
  const fields = Buffer.alloc(12);
  fields[0] = version;
  fields.writeBigUInt64BE(time, 4);
  return box('tfdt', fields);
};
const trun = (samples: number) => {
  const fields = Buffer.alloc(8);
  fields.writeUInt32BE(samples, 4);
  return box('trun', fields);
};
const moof = (time: bigint, samples: number) =>
  box('moof', box('mfhd', Buffer.alloc(8)), box('traf', box('tfhd'), tfdt(time), trun(samples)));
const init = Buffer.concat([box('ftyp', Buffer.from('cmfc')), box('moov', Buffer.alloc(100))]);
const mdat = (text: string) => box('mdat', Buffer.from(text));

describe('Fragmented MP4', () => {
  const read = (chunks: readonly Buffer[], startTime = 0n): Mp4Piece[] => {
    const reader = new FragmentedMp4(startTime);
    return chunks.flatMap((chunk) => reader.push(Buffer.from(chunk)));
  };

  test('is cut behind moov and each mdat, however its bytes come', () => {
    const seed = randomInt(2 ** 32);
    const random = seededRandom(seed);
    const fragments = [
      Buffer.concat([moof(0n, 15), mdat('one')]),
      Buffer.concat([box('styp'), box('prft', Buffer.alloc(9)), moof(15_360n, 7), mdat('two')]),
    ];
    const expected = [
      { kind: 'init', bytes: init },
      { kind: 'fragment', bytes: fragments[0], samples: 15 },
      { kind: 'fragment', bytes: fragments[1], samples: 7 },
    ];
    const all = Buffer.concat([init, ...fragments]);
    for (let round = 0; round < 200; round++) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < all.length;) {
        const length = 1 + Math.floor(random() * 60);
        chunks.push(all.subarray(at, at + length));
        at += length;
      }
      assert.deepEqual(read(chunks), expected, `seed ${seed}`);
    }
  });

  test('counts time from where it is told to', () => {
    const startTime = 85_920_000_000_000n;
    const [, fragment] = read([init, moof(15_360n, 15), mdat('one')], startTime);
    const expected = Buffer.concat([moof(startTime + 15_360n, 15), mdat('one')]);
    assert.deepEqual(fragment?.bytes, expected);
  });

  test('that is broken is refused with what is wrong', () => {
    const broken: readonly [string, readonly Buffer[], RegExp][] = [
      ['a box up to the end of the file', [Buffer.from('\0\0\0\0mdat')], /box "mdat" of 0 bytes/],
      ['a box of 64 bits', [Buffer.from('\0\0\0\x01mdat')], /box "mdat" of 1 bytes/],
      [
        'a box without an end',
        [Buffer.from('\x7f\xff\xff\xffmdat', 'latin1')],
        /box "mdat" of 2147483647 bytes/,
      ],
      ['no MP4', [Buffer.from('Error: no such codec')], /box "r: n" of \d+ bytes/],
      ['sound without a beginning', [moof(0n, 1), mdat('x')], /mdat before moov/],
      ['sound without a fragment', [init, mdat('x')], /mdat behind nothing, where moof belongs/],
      ['something between the two', [init, moof(0n, 1), box('free'), mdat('x')], /mdat behind free/],
      ['two beginnings', [init, init], /second box moov/],
      ['a fragment of nothing', [init, box('moof'), mdat('x')], /box moof without traf/],
      [
        'a fragment without time',
        [init, box('moof', box('traf', trun(1))), mdat('x')],
        /box traf without tfdt/,
      ],
      [
        'time of 32 bits',
        [init, box('moof', box('traf', tfdt(0n, 0), trun(1))), mdat('x')],
        /box tfdt of 20 bytes and version 0/,
      ],
      [
        'a fragment that does not count',
        [init, box('moof', box('traf', tfdt(0n), box('trun'))), mdat('x')],
        /box trun of 8 bytes/,
      ],
      [
        'a box that is longer than the one around it',
        [init, box('moof', box('traf', tfdt(0n), Buffer.from('\0\0\0\x20trun'))), mdat('x')],
        /box traf without trun/,
      ],
      [
        'a piece that never ends',
        Array.from({ length: 20 }, () => box('free', Buffer.alloc(100_000))),
        /longer than 1048576 bytes/,
      ],
    ];
    for (const [name, chunks, message] of broken) assert.throws(() => read(chunks), { message }, name);
  });
});

describe('The window of a broadcast', () => {
  const windowOf = (parts: number) => {
    const window = new BroadcastWindow(MSN, STARTED_AT_MS);
    window.open(init);
    for (let index = 0; index < parts; index++) window.add(Buffer.from(`part ${index},`), FRAMES);
    return window;
  };

  test('has a playlist by all rules after every part, and each goes on from the one before', () => {
    const window = windowOf(SEGMENT_PARTS);
    let playlist = readPlaylist(window.playlist);
    const longestSeconds = { all: 0 };
    for (let index = SEGMENT_PARTS; index < 40 * SEGMENT_PARTS; index++) {
      assert.equal(window.isHinted(playlist.hint ?? ''), true);
      assert.equal(window.find(playlist.hint ?? ''), null);
      window.add(Buffer.from(`part ${index},`), FRAMES);
      assert.equal(window.find(playlist.hint ?? '')?.toString(), `part ${index},`);
      const next = readPlaylist(window.playlist);
      checkUpdate(playlist, next);
      playlist = next;
      longestSeconds.all = Math.max(
        longestSeconds.all,
        next.segments.reduce((sum, { seconds }) => sum + seconds, 0),
      );
    }
    assert.equal(playlist.mediaSequence, MSN + 32);
    assert.equal(playlist.segments[0]?.dateMs, STARTED_AT_MS + 32 * SEGMENT_PARTS * PART_MS);
    assert.ok(longestSeconds.all < 20);
  });

  test('has each segment as its parts, byte by byte, and for a while after they are not listed any more', () => {
    const window = windowOf(30 * SEGMENT_PARTS);
    const { segments, mediaSequence, map } = readPlaylist(window.playlist);
    assert.deepEqual(window.find(map), init);
    const whole = segments.filter(({ parts }) => parts.length === SEGMENT_PARTS);
    assert.equal(whole.length, 3);
    for (const { uri, parts } of whole)
      assert.equal(
        window.find(uri ?? '')?.toString(),
        parts.map((part) => window.find(part.uri)?.toString()).join(''),
      );
    for (const msn of [mediaSequence - 1, mediaSequence - 2]) {
      assert.equal(window.find(`${msn}.m4s`)?.toString().split(',').length, SEGMENT_PARTS + 1);
      assert.ok(window.find(`${msn}.5.m4s`));
    }
    for (const name of [
      `${mediaSequence - 5}.m4s`,
      `${MSN + 30}.m4s`,
      `${MSN + 29}.6.m4s`,
      `${MSN + 29}.-1.m4s`,
      `0${MSN + 29}.ts`,
      'init.1.mp4',
      '',
      '../index.ts',
    ])
      assert.equal(window.find(name), null, name);
  });

  test('ends with a segment that may be shorter', () => {
    const window = windowOf(SEGMENT_PARTS + 2);
    window.add(Buffer.from('end'), 4);
    const before = readPlaylist(window.playlist);
    window.end();
    const playlist = readPlaylist(window.playlist);
    checkUpdate(before, playlist);
    assert.equal(playlist.ended, true);
    assert.equal(playlist.segments.at(-1)?.seconds.toFixed(4), ((34 * 1_024) / 48_000).toFixed(4));
    assert.equal(window.find(`${MSN + 1}.m4s`)?.toString(), 'part 6,part 7,end');
    assert.throws(() => window.add(Buffer.from('more'), FRAMES), /a part of 15 frames behind one of 4/);
    assert.throws(() => windowOf(1).add(Buffer.from('long'), FRAMES + 1), /a part of 16 frames/);
  });

  test('tells which part a player waits for', () => {
    const window = windowOf(4 * SEGMENT_PARTS + 2);
    const wanted = (msn: number, part: number | null) =>
      window.wanted({ msn: MSN + msn, part }) - MSN * SEGMENT_PARTS;
    assert.deepEqual(
      [wanted(4, 2), wanted(4, null), wanted(4, SEGMENT_PARTS), wanted(5, null), wanted(0, 3)],
      [26, 29, 30, 35, SEGMENT_PARTS - 1],
    );
    assert.equal(window.wanted(null), (MSN + 1) * SEGMENT_PARTS - 1);
    // The last segment is 3, the last part 25; the limits are two segments, and 3 / 0.35 parts.
    assert.equal(wanted(5, 3), 33);
    assert.equal(wanted(5, null), 35);
    for (const [msn, part] of [
      [5, 4],
      [6, null],
      [6, 0],
      [1e9, null],
    ] as const)
      assert.throws(() => wanted(msn, part), { code: 'BAD_REQUEST' }, `${msn} ${part}`);
  });
});

describe('Delivery directives', () => {
  const read = (query: string) => readDeliveryDirectives(new URLSearchParams(query));

  test('are read as the specification has them, and others ignored', () => {
    assert.equal(read('_HLS_skip=YES&x=1'), null);
    assert.deepEqual(read('_HLS_msn=17'), { msn: 17, part: null });
    assert.deepEqual(read('_HLS_msn=17&_HLS_part=0&_HLS_skip=v2'), { msn: 17, part: 0 });
    for (const query of [
      '_HLS_part=1',
      '_HLS_msn=',
      '_HLS_msn=-1',
      '_HLS_msn=1.5',
      '_HLS_msn=1e3',
      '_HLS_msn=1&_HLS_part=x',
      `_HLS_msn=${'9'.repeat(16)}`,
    ])
      assert.throws(() => read(query), { code: 'BAD_REQUEST' }, query);
  });
});

describe('The live edge', () => {
  test('lets thousands wait for a part, and answers all of them with it', async () => {
    const edge = new LiveEdge(5);
    await edge.reach(4);
    const answered: number[] = [];
    const waits = Array.from({ length: 5_000 }, async (_, index) => {
      await edge.reach(5 + (index % 3));
      answered.push(5 + (index % 3));
    });
    edge.advance(7);
    await Promise.all(waits.filter((_, index) => index % 3 < 2));
    assert.deepEqual([...new Set(answered)].sort(), [5, 6]);
    edge.advance(Number.POSITIVE_INFINITY);
    await Promise.all(waits);
    await edge.reach(1_000);
  });

  test('refuses everybody who waits once it fails, and later ones; what was there is answered', async () => {
    const edge = new LiveEdge(5);
    const waits = [5, 6, 6].map((part) => edge.reach(part));
    edge.fail('The encoder is gone.');
    for (const wait of [...waits, edge.reach(9)])
      await assert.rejects(wait, { code: 'SERVICE_UNAVAILABLE', message: 'The encoder is gone.' });
    await edge.reach(4);
  });

  test('lets nobody wait for longer than three target durations', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const edge = new LiveEdge(0);
    const waits = [edge.reach(0), edge.reach(0)];
    t.mock.timers.tick(MAX_BLOCKING_MS);
    for (const wait of waits) await assert.rejects(wait, { code: 'SERVICE_UNAVAILABLE' });
    const again = edge.reach(0);
    edge.advance(1);
    await again;
  });
});
