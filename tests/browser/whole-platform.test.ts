import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { DEMO_ROOM_ID, DEMO_USERS } from '#platform/demo.ts';
import { findWorker } from '../../media-server/worker/find-worker.mjs';
import { eventually } from '../support/platform-client.ts';
import { dataFolder, startPlatformProcess, type PlatformProcess } from '../support/platform-process.ts';
import { requireChromium } from '../support/system-packages.ts';
import { signUp, type Member } from '../system/journey.ts';
import { connected, HEARD, launch, levelOf, PATIENCE_MS, row, signIn, status } from './live-page-driver.ts';
import { createTone } from './tone.ts';

const program = await requireChromium();
const worker = findWorker();
const missing = 'missing' in program ? program.missing : worker.path === null ? worker.reason : null;
if (missing && process.env.CI) throw new Error(missing);

const PASSWORD = 'a good password';

describe('the whole platform in Chromium', { skip: missing ?? false, timeout: 8 * PATIENCE_MS }, () => {
  const browsers: Browser[] = [];
  let folder: Awaited<ReturnType<typeof dataFolder>>;
  let platform: PlatformProcess;
  let tone: Awaited<ReturnType<typeof createTone>>;
  before(async () => {
    tone = await createTone();
    folder = await dataFolder();
    platform = await startPlatformProcess(folder.path);
  });
  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    await platform.end('SIGTERM');
    await folder.remove();
    await tone.remove();
  });

  const openPage = async (path: string): Promise<Page> => {
    const browser = await launch('missing' in program ? '' : program.executablePath, tone.path);
    browsers.push(browser);
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(platform.url + path);
    return page;
  };
  const enter = async (liveRoomId: string, { handle }: Member): Promise<Page> => {
    const page = await openPage(`/live/${liveRoomId}`);
    await signIn(page, { email: `${handle}@example.org`, password: PASSWORD });
    await connected(page);
    return page;
  };

  it('lets two people hear each other in a live room, and tells the graph who is there and who speaks [S21 F06]', async () => {
    const [host, listener] = [await signUp(platform.url, 'host'), await signUp(platform.url, 'listener')];
    const liveRoomId = await startLiveRoom(host);
    const speakers = await listener.subscribe(
      'subscription ($id: ID!) { activeSpeakers(liveRoomId: $id) { levels { participantId level } } }',
      { id: liveRoomId },
    );
    const [, listening] = await Promise.all([enter(liveRoomId, host), enter(liveRoomId, listener)]);
    const seen = { participantId: await participantOf(host, liveRoomId) };
    await row(listening, seen).filter({ hasText: host.handle }).waitFor();
    assert.ok((await levelOf(listening, seen, (level) => level > HEARD)) > HEARD);
    const { activeSpeakers } = await speakers.next();
    assert.equal(activeSpeakers.levels[0].participantId, seen.participantId);
    await speakers.close();
    await eventually(async () => {
      const { liveRoom } = await listener.data(
        'query ($id: ID!) { liveRoom(id: $id) { listenerCount speakers { user { handle } } } }',
        { id: liveRoomId },
      );
      assert.deepEqual(liveRoom, { listenerCount: 1, speakers: [{ user: { handle: host.handle } }] });
    });
    await host.data('mutation ($id: ID!) { endLiveRoom(id: $id) { userErrors { message } } }', {
      id: liveRoomId,
    });
    await status(listening, 'closed').waitFor();
  });

  it('runs the explorer’s examples on the demo data: a query, and a subscription that a message reaches [S01]', async () => {
    const page = await openPage('/');
    const execute = () => page.getByRole('button', { name: /Execute query/ }).click();
    await page.getByTitle('Welcome', { exact: true }).click();
    await execute();
    await page.getByText(DEMO_USERS[0].displayName).first().waitFor();
    await page.getByText('"playCount"').first().waitFor();
    await page.getByTitle('Room', { exact: true }).click();
    await page.getByText('subscription', { exact: true }).first().waitFor();
    // The page learns a moment after the text has changed which operation is in the editor; until then it refuses to run it.
    const stop = page.getByRole('button', { name: /Stop query/ });
    await eventually(async () => {
      if (!(await stop.isVisible())) await execute();
      await stop.waitFor({ timeout: 1000 });
    });
    const guest = await signUp(platform.url, 'guest');
    await guest.data('mutation ($id: ID!) { joinRoom(roomId: $id) { userErrors { message } } }', {
      id: DEMO_ROOM_ID,
    });
    const content = `Seen in the explorer by ${guest.handle}`;
    const shown = page.getByText(content).first().waitFor();
    let isShown = false;
    void shown.then(() => (isShown = true));
    // The page does not say when its subscription has begun.
    await eventually(async () => {
      const input = { roomId: DEMO_ROOM_ID, content, clientNonce: randomUUID() };
      await guest.data(
        'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { userErrors { message } } }',
        { input },
      );
      assert.ok(isShown, 'the message is not shown yet');
    });
    await shown;
  });
});

async function startLiveRoom(host: Member): Promise<string> {
  const { createLiveRoom } = await host.data(
    `mutation { createLiveRoom(input: { title: "Tones", musicMode: true }) { liveRoom { id } userErrors { message } } }`,
  );
  const { id } = createLiveRoom.liveRoom;
  await host.data(
    'mutation ($id: ID!) { startLiveRoom(id: $id) { liveRoom { state } userErrors { message } } }',
    { id },
  );
  return id;
}

async function participantOf(member: Member, liveRoomId: string): Promise<string> {
  const { liveRoom } = await member.data(
    'query ($id: ID!) { liveRoom(id: $id) { viewerParticipant { id } } }',
    {
      id: liveRoomId,
    },
  );
  return liveRoom.viewerParticipant.id;
}
