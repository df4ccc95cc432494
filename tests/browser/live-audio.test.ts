import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { findWorker } from '../../media-server/worker/find-worker.mjs';
import { requireChromium } from '../support/system-packages.ts';
import { connected, HEARD, launch, levelOf, PATIENCE_MS, SILENCE, signIn } from './live-page-driver.ts';
import { liveUser, startLivePlatform } from './live-platform.ts';
import {
  channelLevels,
  microphoneSettings,
  negotiatedOpus,
  receiving,
  sentBitrateBps,
  watchPeerConnections,
} from './peer-connections.ts';
import { createTone } from './tone.ts';

const program = await requireChromium();
const worker = findWorker();
const missing = 'missing' in program ? program.missing : worker.path === null ? worker.reason : null;
if (missing && process.env.CI) throw new Error(missing);

const MODES = [
  {
    name: 'speech',
    musicMode: false,
    sender: { stereo: '0', useinbandfec: '1', usedtx: '1', maxaveragebitrate: '40000' },
    microphone: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  },
  {
    name: 'music',
    musicMode: true,
    sender: { stereo: '1', useinbandfec: '1', usedtx: '0', maxaveragebitrate: '160000' },
    microphone: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  },
];

for (const { name, musicMode, sender, microphone } of MODES)
  describe(`Opus in a room for ${name}`, { skip: missing ?? false, timeout: 4 * PATIENCE_MS }, () => {
    const [ada, ben] = [liveUser('Ada', 'SPEAKER'), liveUser('Ben', 'LISTENER')];
    const browsers: Browser[] = [];
    let platform: Awaited<ReturnType<typeof startLivePlatform>>;
    let tone: Awaited<ReturnType<typeof createTone>>;
    let speaking: Page;
    let listening: Page;

    before(async () => {
      tone = await createTone('LEFT');
      platform = await startLivePlatform([ada, ben], worker.path ?? '', { musicMode });
      [speaking, listening] = await Promise.all([enter(ada), enter(ben)]);
      await receiving(listening);
    });
    after(async () => {
      await Promise.all(browsers.map((browser) => browser.close()));
      await platform.close();
      await tone.remove();
    });

    const enter = async (user: typeof ada): Promise<Page> => {
      const browser = await launch('missing' in program ? '' : program.executablePath, tone.path);
      browsers.push(browser);
      const page = await browser.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      await watchPeerConnections(page);
      await page.goto(platform.url);
      await signIn(page, user);
      await connected(page);
      return page;
    };

    test('the encoder is told what fits, and may be asked for lost packets', async () => {
      const { fmtp, nack } = await negotiatedOpus(speaking, 'send');
      assert.deepEqual({ ...fmtp, ...sender }, fmtp);
      assert.equal(nack, true);
    });

    test('the decoder decodes as many channels as are sent, and asks for lost packets', async () => {
      const { fmtp, nack } = await negotiatedOpus(listening, 'receive');
      assert.equal(fmtp['stereo'] ?? '0', sender.stereo);
      assert.equal(nack, true);
    });

    test('the microphone is processed as speech only where it is for speech', async () => {
      const settings = await microphoneSettings(speaking);
      assert.deepEqual({ ...settings, ...microphone }, settings);
    });

    if (musicMode)
      test('a sound on the left comes out on the left, at a bitrate for music', async () => {
        await levelOf(listening, ada, (level) => level > HEARD);
        const [left, right] = await channelLevels(listening);
        assert.ok(left > HEARD && right < SILENCE, `left ${left}, right ${right}`);
        const bitrateBps = await sentBitrateBps(speaking);
        assert.ok(bitrateBps > 100_000 && bitrateBps < 256_000, `${bitrateBps} bit/s`);
      });
  });
