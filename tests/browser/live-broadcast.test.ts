import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { encoderPid, openBroadcast, type BroadcastKit } from '../media/broadcast-kit.ts';
import { skipWithoutWorker } from '../media/media-kit.ts';
import { toneOpus } from '../media/sound.ts';
import { requireChromium, requireFfmpeg } from '../support/system-packages.ts';
import { servePage } from './bundled-page.ts';
import { HEARD, launch, PATIENCE_MS } from './live-page-driver.ts';
import { createTone } from './tone.ts';

const [chromium, ffmpeg] = [await requireChromium(), await requireFfmpeg()];
const missing = [chromium, ffmpeg].map((program) => ('missing' in program ? program.missing : null));
const skip = missing.find((one) => one !== null) ?? skipWithoutWorker;
if (skip && process.env.CI) throw new Error(skip);

const TONE_HZ = 440;
/** What a busy machine may add to it; with whole segments of 2 s it would be 6 s. */
const TOLERANCE_SECONDS = 1;

describe('A broadcast in Chromium', { skip, timeout: 5 * PATIENCE_MS }, () => {
  const program = 'missing' in ffmpeg ? '' : ffmpeg.executablePath;
  const closers: (() => Promise<unknown>)[] = [];
  const silence = new AbortController();
  let kit: BroadcastKit;
  let browser: Browser;
  let page: Page;

  before(async () => {
    kit = await openBroadcast(program);
    closers.push(kit.close);
    const speaker = await kit.stage.speaker('lpt_ada', toneOpus(program, TONE_HZ));
    const talk = (async () => {
      while (!silence.signal.aborted) await speaker.speak(1_000);
    })();
    closers.unshift(() => {
      silence.abort();
      return talk;
    });
    const served = await servePage('broadcast-ear-page.ts');
    closers.push(served.close);
    const microphone = await createTone();
    browser = await launch('missing' in chromium ? '' : chromium.executablePath, microphone.path);
    closers.unshift(() => browser.close().then(microphone.remove));
    page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(served.origin);
    await page.waitForFunction(() => 'broadcastEar' in globalThis);
  });
  after(async () => {
    for (const close of closers) await close();
  });

  const isHeard = () => page.waitForFunction((heard) => broadcastEar.heard().level > heard, HEARD);

  /** Resolves once that many more seconds were played. */
  const plays = async (seconds: number) => {
    const from = await page.evaluate(() => broadcastEar.heard().playedSeconds);
    await page.waitForFunction((until) => broadcastEar.heard().playedSeconds > until, from + seconds);
  };

  test('is heard near the live edge, as far behind it as the playlist asks for', async () => {
    await page.evaluate((url) => broadcastEar.play(url), kit.addressOf(null));
    await isHeard();
    await plays(5);
    const { latency, targetLatency, problems } = await page.evaluate(() => broadcastEar.heard());
    assert.ok(latency !== null && targetLatency !== null);
    assert.ok(targetLatency < 1.05 + TOLERANCE_SECONDS, `the player has stalled: ${targetLatency} s`);
    assert.ok(latency > 0 && latency < targetLatency + TOLERANCE_SECONDS, `${latency} s`);
    assert.deepEqual(problems, []);
  });

  test('goes on by itself after its encoder has died', async () => {
    process.kill(encoderPid(), 'SIGKILL');
    await page.waitForFunction(() => broadcastEar.heard().level === 0);
    await isHeard();
    await plays(3);
    const { latency, problems } = await page.evaluate(() => broadcastEar.heard());
    assert.ok(latency !== null && latency < 1.05 + 3 * TOLERANCE_SECONDS, `${latency} s`);
    assert.deepEqual(problems, []);
  });

  test('is played to its end once the room is closed', async () => {
    kit.room.isOpen = false;
    kit.stage.voices.roomClosed(kit.stage.liveRoomId);
    await page.waitForFunction(() => broadcastEar.heard().ended);
    assert.deepEqual(await page.evaluate(() => broadcastEar.heard().problems), []);
    await page.evaluate(() => broadcastEar.stop());
  });

  test('cannot be played where there is none, and says so', async () => {
    await page.evaluate((url) => broadcastEar.play(url), kit.addressOf(null, 'liv_of_nobody'));
    await page.waitForFunction(() => broadcastEar.heard().problems.length > 0);
    assert.match((await page.evaluate(() => broadcastEar.heard().problems)).join(), /ended, or cannot/);
  });
});
