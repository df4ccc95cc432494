import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { MEDIA_CONTROL_TOPIC, speakersReport, speakersTopic } from '#schema/media-bus.ts';
import { findWorker } from '../../media-server/worker/find-worker.mjs';
import { requireChromium } from '../support/system-packages.ts';
import {
  connected,
  HEARD,
  launch,
  levelOf,
  PATIENCE_MS,
  recordStates,
  row,
  signIn,
  status,
  staysSilent,
} from './live-page-driver.ts';
import { liveUser, startLivePlatform } from './live-platform.ts';
import { createTone } from './tone.ts';

const program = await requireChromium();
const worker = findWorker();
const missing = 'missing' in program ? program.missing : worker.path === null ? worker.reason : null;
if (missing && process.env.CI) throw new Error(missing);

describe('Two browsers in a live room', { skip: missing ?? false, timeout: 4 * PATIENCE_MS }, () => {
  const speaker = liveUser('Ada', 'SPEAKER');
  const listener = liveUser('Ben', 'LISTENER');
  const browsers: Browser[] = [];
  let platform: Awaited<ReturnType<typeof startLivePlatform>>;
  let tone: Awaited<ReturnType<typeof createTone>>;

  before(async () => {
    tone = await createTone();
    platform = await startLivePlatform([speaker, listener], worker.path ?? '');
  });
  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    await platform.close();
    await tone.remove();
  });

  const open = async (): Promise<Page> => {
    const browser = await launch('missing' in program ? '' : program.executablePath, tone.path);
    browsers.push(browser);
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(platform.url);
    return page;
  };

  let speaking: Page;
  let listening: Page;

  test('a wrong password is refused in words, the right one leads into the room', async () => {
    [speaking, listening] = await Promise.all([open(), open()]);
    await signIn(listening, { ...listener, password: 'wrong' });
    await listening.getByRole('alert').filter({ hasText: 'E-mail or password is wrong.' }).waitFor();
    await Promise.all([signIn(listening, listener), signIn(speaking, speaker)]);
    await Promise.all([connected(listening), connected(speaking)]);
    await row(listening, speaker).filter({ hasText: 'Ada' }).waitFor();
    await listening.getByRole('heading', { name: 'Late night session' }).waitFor();
  });

  test('the listener hears the speaker, and the live bus is told who speaks', async () => {
    const reports = await platform.liveBus.subscribe(speakersTopic(platform.liveRoomId));
    await levelOf(listening, speaker, (level) => level > HEARD);
    for await (const message of reports) {
      const { levels } = speakersReport.parse(message);
      if (levels.some((one) => one.participantId === speaker.participantId && one.level > 0)) break;
    }
  });

  test('nothing is heard of a microphone that is off, until it is on again', async () => {
    await speaking.getByRole('button', { name: 'Mute my microphone' }).click();
    await row(listening, speaker).filter({ hasText: 'microphone off' }).waitFor();
    await staysSilent(listening, speaker);
    await speaking.getByRole('button', { name: 'Turn my microphone on' }).click();
    await levelOf(listening, speaker, (level) => level > HEARD);
  });

  test('a worker that is killed costs a moment, not the room', async () => {
    const [former] = platform.media.status().workers;
    assert.ok(former);
    const states = await Promise.all([recordStates(speaking), recordStates(listening)]);
    process.kill(former.pid, 'SIGKILL');
    await Promise.all(states.map(({ seen }) => seen(['reconnecting', 'connected'])));
    await levelOf(listening, speaker, (level) => level > HEARD);
  });

  test('a listener has no microphone button, and a removed one is told so', async () => {
    assert.equal(await listening.locator('#microphone').isVisible(), false);
    const { liveRoomId } = platform;
    const { participantId } = listener;
    await platform.liveBus.publish(MEDIA_CONTROL_TOPIC, {
      kind: 'remove',
      liveRoomId,
      participantId,
      reason: 'REMOVED',
    });
    await status(listening, 'closed').filter({ hasText: 'A moderator has removed you' }).waitFor();
    await row(speaking, listener).waitFor({ state: 'detached' });
  });
});
