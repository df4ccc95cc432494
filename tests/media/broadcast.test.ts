import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BROADCAST_PATH, signBroadcastUrl } from '#platform/broadcast-url.ts';
import { listen, type HttpListener } from '#platform/http.ts';
import { newId } from '#platform/ids.ts';
import { createLog } from '#platform/log.ts';
import { Broadcasts } from '../../media-server/broadcast/broadcasts.ts';
import { findWorker } from '../../media-server/worker/find-worker.mjs';
import { requireFfmpeg } from '../support/system-packages.ts';
import { SECRET, skipWithoutWorker } from './media-kit.ts';
import { decode, toneOpus } from './sound.ts';
import { openStage, type Stage } from './stage.ts';

const ffmpeg = await requireFfmpeg();
const program = 'missing' in ffmpeg ? '' : ffmpeg.executablePath;
const skip = skipWithoutWorker || ('missing' in ffmpeg ? ffmpeg.missing : false);
const TONES_HZ = [440, 1_200];
const HEARD = 0.1;
const SEGMENTS = 3;
const log = createLog('broadcast-test', 'silent');

describe('The broadcast of a live room', { skip }, () => {
  let stage: Stage;
  let broadcasts: Broadcasts;
  let listener: HttpListener;
  let url: string;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'veza-hls-'));
    stage = await openStage(findWorker().path ?? '', newId('LiveRoom'));
    const isOpen = (id: string) => id === stage.liveRoomId;
    broadcasts = new Broadcasts({
      ffmpeg: { path: program },
      voices: stage.voices,
      isOpen,
      secret: SECRET,
      log,
    });
    listener = await listen({ host: '127.0.0.1', port: 0, routes: [broadcasts.route], log });
    url = signBroadcastUrl(`http://127.0.0.1:${listener.port}`, stage.liveRoomId, SECRET);
  });
  after(async () => {
    await broadcasts.close();
    await listener.close(0);
    stage.close();
    await rm(folder, { recursive: true });
  });

  test('is a playlist of segments of a second, in which everybody is heard', async () => {
    const speakers = await Promise.all(
      TONES_HZ.map((hertz) => stage.speaker(`lpt_${hertz}`, toneOpus(program, hertz))),
    );
    const silence = new AbortController();
    const talk = speakers.map(async (speaker) => {
      while (!silence.signal.aborted) await speaker.speak(1_000);
    });
    try {
      const segments = new Map<string, Buffer>();
      while (segments.size < SEGMENTS + 2) {
        const playlist = await fetch(url);
        assert.equal(playlist.status, 200);
        assert.equal(playlist.headers.get('content-type'), 'application/vnd.apple.mpegurl');
        const lines = (await playlist.text()).split('\n');
        assert.ok(!lines.includes('#EXT-X-ENDLIST'));
        for (const length of lines.filter((line) => line.startsWith('#EXTINF:')))
          assert.ok(Math.abs(Number.parseFloat(length.slice(8)) - 1) < 0.1, length);
        for (const name of lines.filter((line) => line.endsWith('.ts'))) {
          const segment = await fetch(new URL(name, url));
          assert.equal(segment.status, 200);
          segments.set(name, Buffer.from(await segment.arrayBuffer()));
        }
      }
      const path = join(folder, 'heard.ts');
      await writeFile(path, Buffer.concat([...segments.values()].slice(2)));
      const sound = decode(program, path);
      for (const hertz of TONES_HZ) {
        const amplitude = sound.amplitude(hertz, 500, sound.durationMs - 500);
        assert.ok(amplitude > HEARD, `${hertz} Hz: ${amplitude}`);
      }
    } finally {
      silence.abort();
      await Promise.all(talk);
    }
  });

  test('is for holders of an address, while it is good, and of rooms that are open', async () => {
    const origin = `http://127.0.0.1:${listener.port}`;
    const statusOf = async (address: string) => (await fetch(address)).status;
    assert.equal(await statusOf(url.replace(/\.[\w-]+\/index/, '.forged/index')), 403);
    assert.equal(await statusOf(url.replace(stage.liveRoomId, newId('LiveRoom'))), 403);
    assert.equal(await statusOf(signBroadcastUrl(origin, stage.liveRoomId, SECRET, 0)), 403);
    assert.equal(await statusOf(signBroadcastUrl(origin, newId('LiveRoom'), SECRET)), 404);
    assert.equal(await statusOf(new URL('999999.ts', url).href), 404);
    assert.equal(await statusOf(new URL('take.json', url).href), 404);
    assert.equal(await statusOf(`${origin}${BROADCAST_PATH}x`), 403);
  });

  test('says that there is no ffmpeg', async () => {
    const missing = { missing: 'There is no ffmpeg.' };
    const none = new Broadcasts({
      ffmpeg: missing,
      voices: stage.voices,
      isOpen: () => true,
      secret: SECRET,
      log,
    });
    const other = await listen({ host: '127.0.0.1', port: 0, routes: [none.route], log });
    const answer = await fetch(signBroadcastUrl(`http://127.0.0.1:${other.port}`, stage.liveRoomId, SECRET));
    assert.equal(answer.status, 503);
    assert.match(await answer.text(), /There is no ffmpeg/);
    await other.close(0);
  });
});
