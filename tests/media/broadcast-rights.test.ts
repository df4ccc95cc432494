import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BROADCAST_PATH, signBroadcastUrl } from '#platform/broadcast-url.ts';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import { listen } from '#platform/http.ts';
import { newId } from '#platform/ids.ts';
import { LISTENING_TOPIC, listeningQuestion } from '#schema/listening.ts';
import { Broadcasts } from '../../media-server/broadcast/broadcasts.ts';
import { createListeningRights } from '../../media-server/broadcast/listening-rights.ts';
import { HlsListener } from '../support/hls-listener.ts';
import { answerListeners } from '../support/listening-answers.ts';
import { requireFfmpeg } from '../support/system-packages.ts';
import { openBroadcast, type BroadcastKit } from './broadcast-kit.ts';
import { SECRET, skipWithoutWorker, startMedia } from './media-kit.ts';

const ffmpeg = await requireFfmpeg();
const program = 'missing' in ffmpeg ? '' : ffmpeg.executablePath;
const skip = skipWithoutWorker || ('missing' in ffmpeg ? ffmpeg.missing : false);
const HOUR_MS = 3_600_000;
const RECHECK_MS = 10_000;

describe('The broadcast of a live room', { skip }, () => {
  let kit: BroadcastKit;
  let url: string;
  const statusOf = async (address: string) => (await fetch(address)).status;

  before(async () => {
    kit = await openBroadcast(program);
    url = kit.addressOf('usr_ada');
  });
  after(() => kit.close());

  test('is for holders of an address, while it is good, and of rooms that are open', async () => {
    const { stage, addressOf, origin } = kit;
    assert.equal(await statusOf(url.replace(/\.[\w-]+\/index/, '.forged/index')), 403);
    assert.equal(await statusOf(url.replace(stage.liveRoomId, newId('LiveRoom'))), 403);
    assert.equal(await statusOf(url.replace('usr_ada', 'usr_ben')), 403);
    assert.equal(await statusOf(addressOf('usr_ada', stage.liveRoomId, 0)), 403);
    assert.equal(await statusOf(addressOf('usr_ada', newId('LiveRoom'))), 404);
    for (const name of ['999999.m4s', 'init.1.mp4', 'take.json'])
      assert.equal(await statusOf(new URL(name, url).href), 404);
    assert.equal(await statusOf(`${origin}${BROADCAST_PATH}x`), 403);
  });

  test('is not for whom the stream subgraph refuses, also in the midst of listening, and is again once it does not', async () => {
    const { addressOf, unwelcome } = kit;
    const [mine, hers] = [addressOf('usr_ben'), addressOf('usr_cleo')];
    const listener = await HlsListener.tuneIn(mine);
    unwelcome.add('usr_ben');
    while ((await statusOf(listener.reloadUrl())) === 200);
    assert.equal(await statusOf(listener.reloadUrl()), 403);
    assert.equal(await statusOf(listener.urlOf(listener.playlist.map)), 403);
    assert.equal(await statusOf(hers), 200);
    unwelcome.add(null);
    assert.equal(await statusOf(addressOf(null)), 403);
    unwelcome.clear();
    while ((await statusOf(mine)) === 403);
    assert.equal(await statusOf(mine), 200);
  });

  test('is refused at once to whom an order concerns, however fresh the answer', async () => {
    const { liveBus, log, unwelcome } = kit;
    const patient = createListeningRights({ serverId: 'media-d', liveBus, log, recheckMs: HOUR_MS });
    const listener = { liveRoomId: kit.stage.liveRoomId, userId: 'usr_dora' };
    assert.equal(await patient.may(listener), true);
    unwelcome.add('usr_dora');
    assert.equal(await patient.may(listener), true);
    patient.doubt(newId('LiveRoom'));
    assert.equal(await patient.may(listener), true);
    patient.doubt(listener.liveRoomId);
    assert.equal(await patient.may(listener), false);
    unwelcome.clear();
    await patient.close();
  });

  test('is open at once to whom it is open again, however fresh the refusal', async (t) => {
    const media = await startMedia();
    const served = await listen({ host: '127.0.0.1', port: 0, routes: media.media.routes, log: kit.log });
    let isBanned = true;
    const answers = answerListeners(media.liveBus, () => !isBanned);
    const { liveRoomId } = media;
    const mine = signBroadcastUrl(
      `http://127.0.0.1:${served.port}`,
      { liveRoomId, userId: 'usr_gil' },
      SECRET,
    );
    // Where no time passes, a refusal counts for good.
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    assert.equal(await statusOf(mine), 403);
    isBanned = false;
    assert.equal(await statusOf(mine), 403);
    await media.order({ kind: 'recheckListeners', liveRoomId });
    while ((await statusOf(mine)) === 403);
    t.mock.timers.reset();
    await answers.close();
    await served.close(0);
    await media.close();
  });

  test('is not given to anybody while nobody says who may listen, but goes on for a while for whom it was known', async () => {
    const deaf = memoryLiveBus();
    const unanswered = createListeningRights({
      serverId: 'media-e',
      liveBus: deaf,
      log: kit.log,
      recheckMs: 1,
    });
    const listener = { liveRoomId: kit.stage.liveRoomId, userId: 'usr_eva' };
    assert.equal(await unanswered.may(listener), null);
    const answers = answerListeners(deaf, () => true);
    assert.equal(await unanswered.may(listener), true);
    await answers.close();
    assert.equal(await unanswered.may(listener), true);
    await unanswered.close();
    await deaf.close();
  });

  test('is asked about ahead of time, and by nobody who waits again and again while there is no answer', async (t) => {
    const liveBus = memoryLiveBus();
    const answers = answerListeners(liveBus, () => true);
    const serverId = 'media-f';
    const rights = createListeningRights({ serverId, liveBus, log: kit.log, recheckMs: RECHECK_MS });
    const listener = { liveRoomId: kit.stage.liveRoomId, userId: 'usr_fay' };
    assert.equal(await rights.may(listener), true);
    await answers.close();
    const asked = await liveBus.subscribe(LISTENING_TOPIC);
    const question = asked.next();
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + RECHECK_MS * 0.9 });
    // The answer still counts: nobody waits.
    assert.equal(await rights.may(listener), true);
    assert.deepEqual(listeningQuestion.parse((await question).value).listeners, [listener]);
    t.mock.timers.reset();
    // Now it does not, and there is none; after that it counts again for a moment.
    rights.doubt(listener.liveRoomId);
    assert.equal(await rights.may(listener), true);
    // Whoever waited while the clock stands still would wait for good.
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    for (let request = 0; request < 10; request++) assert.equal(await rights.may(listener), true);
    await asked.return();
    await rights.close();
    await liveBus.close();
  });

  test('says that there is no ffmpeg', async () => {
    const { stage, rights, log } = kit;
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
