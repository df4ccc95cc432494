import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { HlsListener } from '../support/hls-listener.ts';
import { readPlaylist } from '../support/hls-playlist.ts';
import { requireFfmpeg } from '../support/system-packages.ts';
import { encoderPid, openBroadcast, type BroadcastKit } from './broadcast-kit.ts';
import { skipWithoutWorker } from './media-kit.ts';
import { decode, toneOpus } from './sound.ts';

const ffmpeg = await requireFfmpeg();
const program = 'missing' in ffmpeg ? '' : ffmpeg.executablePath;
const skip = skipWithoutWorker || ('missing' in ffmpeg ? ffmpeg.missing : false);
const TONES_HZ = [440, 1_200];
const HEARD = 0.1;
const SEGMENTS = 2;
const LISTENERS = 300;
/** Time for all of them to come before it is there. */
const PARTS_AHEAD = 5;
const FRAME_SAMPLES = 1_024;
const FRAME_MS = FRAME_SAMPLES / 48;

describe('The broadcast of a live room, with low latency', { skip }, () => {
  let kit: BroadcastKit;
  let url: string;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'veza-hls-'));
    kit = await openBroadcast(program);
    url = kit.addressOf('usr_ada');
  });
  after(async () => {
    await kit.close();
    await rm(folder, { recursive: true });
  });

  test('is had part by part, as soon as each is there, and everybody is heard in it', async () => {
    const speakers = await Promise.all(
      TONES_HZ.map((hertz) => kit.stage.speaker(`lpt_${hertz}`, toneOpus(program, hertz))),
    );
    const silence = new AbortController();
    const talk = speakers.map(async (speaker) => {
      while (!silence.signal.aborted) await speaker.speak(1_000);
    });
    try {
      const listener = await HlsListener.tuneIn(url);
      const path = join(folder, 'heard.mp4');
      await writeFile(path, await listener.record(SEGMENTS + 1));
      const sound = decode(program, path);
      // The voices were opened a moment ago.
      for (const hertz of TONES_HZ) {
        const amplitude = sound.amplitude(hertz, sound.durationMs / 3, sound.durationMs - 100);
        assert.ok(amplitude > HEARD, `${hertz} Hz: ${amplitude}`);
      }
    } finally {
      silence.abort();
      await Promise.all(talk);
    }
  });

  test('has parts that make up segments byte by byte, with frames that follow each other at the dates of the playlist', async () => {
    const listener = await HlsListener.tuneIn(url);
    const recorded = await listener.record(SEGMENTS);
    const { segments, map } = listener.playlist;
    const last = segments.filter(({ uri }) => uri !== null).slice(-SEGMENTS);
    const parts = last.flatMap((segment) => segment.parts);
    const pieces = await Promise.all([map, ...parts.map(({ uri }) => uri)].map((uri) => listener.bytes(uri)));
    assert.ok(Buffer.concat(pieces).equals(recorded));
    const path = join(folder, 'segments.mp4');
    await writeFile(path, recorded);
    const packets = packetTimes(path);
    const samples = last.reduce((sum, { seconds }) => sum + seconds, 0) * 48_000;
    assert.equal(packets.length * FRAME_SAMPLES, Math.round(samples));
    for (const [index, time] of packets.entries())
      assert.equal(time, (packets[0] ?? 0) + index * FRAME_SAMPLES);
    const dateMs = last[0]?.dateMs ?? 0;
    assert.ok(Math.abs((packets[0] ?? 0) / 48 - dateMs) <= 1);
  });

  /** Decode times of all frames, in samples. */
  const packetTimes = (path: string): number[] => {
    const probe = program.replace(/ffmpeg$/, 'ffprobe');
    const shown = ['-show_entries', 'packet=dts', '-of', 'csv=p=0'];
    const lines = execFileSync(probe, ['-v', 'error', ...shown, path], { encoding: 'utf8' });
    return lines.trim().split('\n').map(Number.parseFloat);
  };

  test('is plain HLS for a player that knows nothing of parts', async () => {
    const path = join(folder, 'plain.mp4');
    // It begins with the last complete segment, and asks for the playlist from time to time.
    const play = ['-live_start_index', '-1', '-i', url, '-t', '3', '-c', 'copy', path];
    await promisify(execFile)(program, ['-loglevel', 'error', '-xerror', ...play]);
    const packets = packetTimes(path);
    assert.ok(packets.length * FRAME_SAMPLES >= 2.9 * 48_000);
    const steps = packets.slice(1).map((time, index) => Math.round(time - (packets[index] ?? 0)));
    assert.ok(steps.every((step) => step === FRAME_SAMPLES));
  });

  test('holds a part that is hinted until it is there, and a playlist until it has what was asked for', async () => {
    const listener = await HlsListener.tuneIn(url);
    const { hint } = listener.playlist;
    const [part, ahead] = await Promise.all([
      listener.bytes(hint),
      fetch(listener.reloadUrl(2)).then((answer) => answer.text()),
      listener.reload(),
    ]);
    assert.ok(part.equals(await listener.bytes(hint)));
    const parts = readPlaylist(ahead).segments.flatMap((segment) => segment.parts);
    assert.ok(parts.length - parts.findIndex(({ uri }) => uri === hint) >= 3);
    // A segment is waited for as well.
    const msn = listener.playlist.mediaSequence + listener.playlist.segments.length;
    const segment = readPlaylist(await (await fetch(`${url}?_HLS_msn=${msn}`)).text());
    assert.ok(segment.segments.some((one) => one.msn === msn && one.uri !== null));
  });

  test('answers all who wait with the part, and with the same', async () => {
    const listener = await HlsListener.tuneIn(url);
    const { hint } = listener.playlist;
    const waiting = Array.from({ length: LISTENERS }, async () =>
      (await fetch(listener.reloadUrl(PARTS_AHEAD))).text(),
    );
    const answers = await Promise.all(waiting);
    const texts = new Map<string, Set<string>>();
    for (const answer of answers) {
      const parts = readPlaylist(answer).segments.flatMap((segment) => segment.parts.map(({ uri }) => uri));
      assert.ok(parts.length - parts.indexOf(hint ?? '') > PARTS_AHEAD);
      const last = parts.at(-1) ?? '';
      texts.set(last, (texts.get(last) ?? new Set()).add(answer));
    }
    for (const [last, same] of texts) assert.equal(same.size, 1, last);
  });

  test('refuses what is nonsense, or too far ahead, and has no part that it does not hint', async () => {
    const listener = await HlsListener.tuneIn(url);
    const { mediaSequence, segments } = listener.playlist;
    const end = mediaSequence + segments.length;
    for (const query of [
      '_HLS_part=0',
      '_HLS_msn=x',
      `_HLS_msn=${end + 4}`,
      `_HLS_msn=${end + 1}&_HLS_part=5`,
    ]) {
      const answer = await fetch(`${url}?${query}`);
      assert.equal(answer.status, 400, query);
      // Without it a page of another origin would not learn why.
      assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    }
    assert.equal((await fetch(listener.urlOf(`${end + 1}.0.m4s`))).status, 404);
    assert.equal((await fetch(`${url}?_HLS_skip=YES&_HLS_push=1`)).status, 200);
  });

  test('is compressed for whom that is right, and kept by nobody but its player', async () => {
    const playlist = await fetch(url, { headers: { 'accept-encoding': 'gzip' } });
    const plain = await fetch(url, { headers: { 'accept-encoding': 'identity' } });
    assert.deepEqual(
      [playlist, plain].map(({ headers }) => [
        headers.get('content-encoding'),
        headers.get('vary'),
        headers.get('cache-control'),
      ]),
      [
        ['gzip', 'accept-encoding', 'no-cache'],
        [null, 'accept-encoding', 'no-cache'],
      ],
    );
    const { map } = readPlaylist(await playlist.text());
    readPlaylist(await plain.text());
    assert.ok(
      Number(playlist.headers.get('content-length')) < Number(plain.headers.get('content-length')) / 3,
    );
    const init = await fetch(new URL(map, url), { method: 'HEAD' });
    assert.equal(init.headers.get('cache-control'), 'private, max-age=60, immutable');
    assert.equal(init.headers.get('content-encoding'), null);
  });

  test('that stands still lets nobody wait for good, and goes on', async () => {
    const listener = await HlsListener.tuneIn(url);
    const encoder = encoderPid();
    process.kill(encoder, 'SIGSTOP');
    // What it has written already is still to come.
    while (true) {
      const answer = await fetch(listener.reloadUrl());
      if (answer.status === 503) break;
      await listener.reload().catch(() => undefined);
    }
    process.kill(encoder, 'SIGCONT');
    await listener.reload();
    await listener.reload();
  });

  test('whose encoder dies begins anew at the same address, beyond all that was there', async () => {
    const listener = await HlsListener.tuneIn(url);
    const before = await listener.reload();
    const waiting = fetch(listener.reloadUrl());
    process.kill(encoderPid(), 'SIGKILL');
    // Where the part came just then, or the request only after it.
    assert.ok([200, 503].includes((await waiting).status));
    while ((await fetch(listener.urlOf(before.map))).status === 200);
    const again = readPlaylist(await (await fetch(listener.reloadUrl())).text());
    const [last, first] = [before.segments.at(-1), again.segments[0]];
    assert.ok(last && first && first.msn > last.msn && first.dateMs > last.dateMs);
    assert.notEqual(again.map, before.map);
    assert.equal((await fetch(listener.urlOf(before.segments[0]?.uri ?? ''))).status, 404);
  });

  test('ends with the room, to the last word, and begins anew with it', async () => {
    const listener = await HlsListener.tuneIn(url);
    const speaker = await kit.stage.speaker('lpt_last', toneOpus(program, TONES_HZ[0] ?? 0));
    await speaker.speak(2_000);
    const before = await listener.reload();
    const closedAtMs = Date.now();
    speaker.producer.close();
    kit.room.isOpen = false;
    kit.stage.voices.roomClosed(kit.stage.liveRoomId);
    while (!listener.playlist.ended) await listener.reload();
    const { segments, map } = listener.playlist;
    assert.ok(segments.every(({ uri }) => uri !== null));
    const pieces = [map, ...segments.slice(-2).map(({ uri }) => uri)];
    const path = join(folder, 'end.mp4');
    await writeFile(path, Buffer.concat(await Promise.all(pieces.map((uri) => listener.bytes(uri)))));
    assert.equal(packetTimes(path).length * FRAME_SAMPLES, Math.round(lastSeconds(listener) * 48_000));
    const last = segments.at(-1);
    const endMs = (last?.dateMs ?? 0) + (last?.seconds ?? 0) * 1_000;
    assert.ok(endMs > closedAtMs - FRAME_MS, `${closedAtMs - endMs} ms are missing`);
    const sound = decode(program, path);
    assert.ok(sound.amplitude(TONES_HZ[0] ?? 0, sound.durationMs - 400, sound.durationMs - 100) > HEARD);
    // Nothing is waited for any more.
    assert.equal((await fetch(`${url}?_HLS_msn=${2 ** 40}`)).status, 200);
    const part = `${last?.msn}.5.m4s`;
    const listed = last?.parts.some(({ uri }) => uri === part);
    assert.equal((await fetch(listener.urlOf(part))).status, listed ? 200 : 404);
    kit.room.isOpen = true;
    const again = await HlsListener.tuneIn(url);
    assert.equal(again.playlist.ended, false);
    assert.ok(again.playlist.mediaSequence > (before.segments.at(-1)?.msn ?? 0));
  });

  const lastSeconds = ({ playlist: { segments } }: HlsListener): number =>
    segments.slice(-2).reduce((sum, { seconds }) => sum + seconds, 0);

  test('ends where another server has all voices from now on', async () => {
    const listener = await HlsListener.tuneIn(url);
    kit.room.isOpen = false;
    while (!listener.playlist.ended) await listener.reload();
    kit.room.isOpen = true;
  });

  test('lets only so many wait at the same moment', async () => {
    const small = await openBroadcast(program, { maxPending: 1 });
    const address = small.addressOf(null);
    const waiting = HlsListener.tuneIn(address);
    while ((await fetch(new URL('nothing.m4s', address))).status !== 503);
    await waiting;
    assert.equal((await fetch(new URL('nothing.m4s', address))).status, 404);
    await small.close();
  });
});
