import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { signBroadcastUrl } from '#platform/broadcast-url.ts';
import { newId } from '#platform/ids.ts';
import { EVENTS } from '#schema/events.ts';
import { MEDIA_CONTROL_TOPIC, type MediaControl } from '#schema/media-bus.ts';
import { findWorker } from '../../media-server/worker/find-worker.mjs';
import { decode } from '../media/sound.ts';
import { HlsListener } from '../support/hls-listener.ts';
import { answerListeners } from '../support/listening-answers.ts';
import { requireChromium, requireFfmpeg } from '../support/system-packages.ts';
import { connected, launch, PATIENCE_MS, signIn } from './live-page-driver.ts';
import { liveUser, startLivePlatform } from './live-platform.ts';
import { createTone } from './tone.ts';

const [browser, ffmpeg] = [await requireChromium(), await requireFfmpeg()];
const worker = findWorker();
const missing = [browser, ffmpeg].map((program) => ('missing' in program ? program.missing : null));
const reason = missing.find((one) => one !== null) ?? (worker.path === null ? worker.reason : null);
if (reason && process.env.CI) throw new Error(reason);

const TONE_HZ = 440;
const HEARD = 0.05;
const SEGMENTS = 2;

describe('A browser in a live room', { skip: reason ?? false, timeout: 4 * PATIENCE_MS }, () => {
  const speaker = liveUser('Ada', 'SPEAKER');
  const program = 'missing' in ffmpeg ? '' : ffmpeg.executablePath;
  let platform: Awaited<ReturnType<typeof startLivePlatform>>;
  let tone: Awaited<ReturnType<typeof createTone>>;
  let chromium: Browser;
  let page: Page;

  before(async () => {
    tone = await createTone();
    platform = await startLivePlatform([speaker], worker.path ?? '');
    chromium = await launch('missing' in browser ? '' : browser.executablePath, tone.path);
    page = await chromium.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(platform.url);
    await signIn(page, speaker);
    await connected(page);
  });
  after(async () => {
    await chromium.close();
    await platform.close();
    await tone.remove();
  });

  const order = (message: MediaControl) => platform.liveBus.publish(MEDIA_CONTROL_TOPIC, message);

  test('is heard in the broadcast', async () => {
    const { url: origin, liveRoomId, secret, liveBus } = platform;
    const listener = { liveRoomId, userId: newId('User') };
    const answers = answerListeners(liveBus, ({ userId }) => userId === listener.userId);
    const url = signBroadcastUrl(origin, listener, secret);
    const heard = await (await HlsListener.tuneIn(url)).record(SEGMENTS);
    await answers.close();
    const path = join(platform.folder, 'heard.mp4');
    await writeFile(path, heard);
    const sound = decode(program, path);
    assert.ok(sound.amplitude(TONE_HZ, 500, sound.durationMs - 500) > HEARD);
  });

  test('is heard in its recording, while its microphone is on', async () => {
    const { liveRoomId } = platform;
    const recordingId = newId('Recording');
    await order({ kind: 'startRecording', liveRoomId, recordingId, mode: 'BOTH' });
    await platform.events.find(({ name }) => name === 'media.recordingStarted');
    const startedMs = performance.now();
    await page.waitForTimeout(1_500);
    const silentMs = performance.now() - startedMs;
    await page.getByRole('button', { name: 'Mute my microphone' }).click();
    await page.waitForTimeout(1_500);
    await page.getByRole('button', { name: 'Turn my microphone on' }).click();
    const backMs = performance.now() - startedMs;
    await page.waitForTimeout(1_500);
    await order({ kind: 'stopRecording', liveRoomId, recordingId });
    const finished = await platform.events.find(({ name }) => name === 'media.recordingFinished');
    const { files } = EVENTS['media.recordingFinished'].payload.parse(finished.payload);
    assert.deepEqual(
      files.map(({ participantId }) => participantId),
      [null, speaker.participantId],
    );
    for (const { key } of files) {
      const sound = decode(program, join(platform.folder, key));
      assert.ok(sound.amplitude(TONE_HZ, 300, silentMs - 200) > HEARD, 'before');
      assert.ok(sound.amplitude(TONE_HZ, silentMs + 400, backMs - 300) < HEARD / 5, 'while it is off');
      assert.ok(sound.amplitude(TONE_HZ, backMs + 400, backMs + 1_300) > HEARD, 'after');
    }
  });
});
