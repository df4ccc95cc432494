import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BROADCAST_PATH, signBroadcastUrl } from '#platform/broadcast-url.ts';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import { listen, type HttpListener } from '#platform/http.ts';
import { newId } from '#platform/ids.ts';
import { createLog } from '#platform/log.ts';
import { Broadcasts } from '../../media-server/broadcast/broadcasts.ts';
import { createListeningRights } from '../../media-server/broadcast/listening-rights.ts';
import { findWorker } from '../../media-server/worker/find-worker.mjs';
import { answerListeners } from '../support/listening-answers.ts';
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
  const liveBus = memoryLiveBus();
  const unwelcome = new Set<string | null>();
  const welcome = answerListeners(liveBus, ({ userId }) => !unwelcome.has(userId));
  const rights = createListeningRights({ serverId: 'media-b', liveBus, log, recheckMs: 100 });
  const addressOf = (userId: string | null, liveRoomId = stage.liveRoomId, nowMs = Date.now()) =>
    signBroadcastUrl(origin(), { liveRoomId, userId }, SECRET, nowMs);
  const origin = () => `http://127.0.0.1:${listener.port}`;
  const statusOf = async (address: string) => (await fetch(address)).status;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'veza-hls-'));
    stage = await openStage(findWorker().path ?? '', newId('LiveRoom'));
    const isOpen = (id: string) => id === stage.liveRoomId;
    broadcasts = new Broadcasts({
      ffmpeg: { path: program },
      voices: stage.voices,
      isOpen,
      rights,
      secret: SECRET,
      log,
    });
    listener = await listen({ host: '127.0.0.1', port: 0, routes: [broadcasts.route], log });
    url = addressOf('usr_ada');
  });
  after(async () => {
    await broadcasts.close();
    await rights.close();
    await welcome.close();
    await liveBus.close();
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
    assert.equal(await statusOf(url.replace(/\.[\w-]+\/index/, '.forged/index')), 403);
    assert.equal(await statusOf(url.replace(stage.liveRoomId, newId('LiveRoom'))), 403);
    assert.equal(await statusOf(url.replace('usr_ada', 'usr_ben')), 403);
    assert.equal(await statusOf(addressOf('usr_ada', stage.liveRoomId, 0)), 403);
    assert.equal(await statusOf(addressOf('usr_ada', newId('LiveRoom'))), 404);
    assert.equal(await statusOf(new URL('999999.ts', url).href), 404);
    assert.equal(await statusOf(new URL('take.json', url).href), 404);
    assert.equal(await statusOf(`${origin()}${BROADCAST_PATH}x`), 403);
  });

  test('is not for whom the stream subgraph refuses, also in the midst of listening, and is again once it does not', async () => {
    const [mine, hers] = [addressOf('usr_ben'), addressOf('usr_cleo')];
    assert.deepEqual([await statusOf(mine), await statusOf(hers)], [200, 200]);
    unwelcome.add('usr_ben');
    while ((await statusOf(mine)) === 200);
    assert.equal(await statusOf(mine), 403);
    assert.equal(await statusOf(new URL('0.ts', mine).href), 403);
    assert.equal(await statusOf(hers), 200);
    unwelcome.add(null);
    assert.equal(await statusOf(addressOf(null)), 403);
    unwelcome.clear();
    while ((await statusOf(mine)) === 403);
    assert.equal(await statusOf(mine), 200);
  });

  test('is refused at once to whom an order concerns, however fresh the answer', async () => {
    const patient = createListeningRights({ serverId: 'media-d', liveBus, log, recheckMs: 3_600_000 });
    const listener = { liveRoomId: stage.liveRoomId, userId: 'usr_dora' };
    assert.equal(await patient.may(listener), true);
    unwelcome.add('usr_dora');
    assert.equal(await patient.may(listener), true);
    patient.doubt(newId('LiveRoom'));
    assert.equal(await patient.may(listener), true);
    patient.doubt(stage.liveRoomId);
    assert.equal(await patient.may(listener), false);
    unwelcome.clear();
    await patient.close();
  });

  test('is not given to anybody while nobody says who may listen, but goes on for a while for whom it was known', async () => {
    const deaf = memoryLiveBus();
    const unanswered = createListeningRights({ serverId: 'media-e', liveBus: deaf, log, recheckMs: 1 });
    const listener = { liveRoomId: stage.liveRoomId, userId: 'usr_eva' };
    assert.equal(await unanswered.may(listener), null);
    const answers = answerListeners(deaf, () => true);
    assert.equal(await unanswered.may(listener), true);
    await answers.close();
    assert.equal(await unanswered.may(listener), true);
    await unanswered.close();
    await deaf.close();
  });

  test('says that there is no ffmpeg', async () => {
    const missing = { missing: 'There is no ffmpeg.' };
    const none = new Broadcasts({
      ffmpeg: missing,
      voices: stage.voices,
      isOpen: () => true,
      rights,
      secret: SECRET,
      log,
    });
    const other = await listen({ host: '127.0.0.1', port: 0, routes: [none.route], log });
    const answer = await fetch(new URL(new URL(url).pathname, `http://127.0.0.1:${other.port}`));
    assert.equal(answer.status, 503);
    assert.match(await answer.text(), /There is no ffmpeg/);
    await other.close(0);
  });
});
