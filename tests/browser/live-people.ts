import assert from 'node:assert/strict';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { findWorker } from '../../media-server/worker/find-worker.mjs';
import { eventually } from '../support/platform-client.ts';
import { dataFolder, startPlatformProcess } from '../support/platform-process.ts';
import { requireChromium, requireFfmpeg } from '../support/system-packages.ts';
import { signUp, type Member } from '../system/journey.ts';
import { connected, launch, PATIENCE_MS, signIn } from './live-page-driver.ts';
import { watchPeerConnections } from './peer-connections.ts';
import { createTone } from './tone.ts';

/** Live rooms on the whole platform, and people in front of their pages. */

const [program, ffmpeg] = [await requireChromium(), await requireFfmpeg()];
const worker = findWorker();

/** Why none of this can be run here; null where it can. */
export const missing = [
  'missing' in program ? program.missing : null,
  'missing' in ffmpeg ? ffmpeg.missing : null,
  worker.path === null ? worker.reason : null,
].reduce((first, one) => first ?? one, null);
if (missing && process.env.CI) throw new Error(missing);

const PASSWORD = 'a good password';

export interface LiveRoomPlan {
  readonly title?: string;
  readonly capacity?: number;
  readonly chatRoomId?: string;
}

export async function openStage() {
  const tone = await createTone();
  const folder = await dataFolder();
  const platform = await startPlatformProcess(folder.path);
  const browser: Browser = await launch('missing' in program ? '' : program.executablePath, tone.path);
  const { url } = platform;

  /** The page of a room before anything is done, in a browser profile of its own. */
  const open = async (liveRoomId: string, options: BrowserContextOptions = {}): Promise<Page> => {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await watchPeerConnections(page);
    await page.goto(`${url}/live/${liveRoomId}`);
    return page;
  };
  return {
    url,
    open,
    signUp: (name: string): Promise<Member> => signUp(url, name),
    enter: async (liveRoomId: string, member: Member, options: BrowserContextOptions = {}): Promise<Page> => {
      const page = await open(liveRoomId, options);
      await signIn(page, credentialsOf(member));
      await connected(page);
      return page;
    },
    async close() {
      await browser.close();
      await platform.end('SIGTERM');
      await folder.remove();
      await tone.remove();
    },
  };
}
export type StageKit = Awaited<ReturnType<typeof openStage>>;

export const credentialsOf = ({ handle }: Member) => ({
  email: `${handle}@example.org`,
  password: PASSWORD,
});

/** Announces a room, and starts it unless `state` is SCHEDULED. */
export async function createRoom(
  host: Member,
  { title = 'Tones', ...plan }: LiveRoomPlan = {},
  state: 'SCHEDULED' | 'LIVE' = 'LIVE',
): Promise<string> {
  // Speech processing takes a lasting tone for noise.
  const input = { title, musicMode: true, ...plan };
  // That somebody is a member of a chat room is told by an event.
  const id = await eventually(async () => {
    const { createLiveRoom } = await host.data(
      'mutation ($input: CreateLiveRoomInput!) { createLiveRoom(input: $input) { liveRoom { id } userErrors { message } } }',
      { input },
    );
    assert.deepEqual(createLiveRoom.userErrors, []);
    return createLiveRoom.liveRoom.id;
  });
  if (state === 'LIVE')
    await host.data('mutation ($id: ID!) { startLiveRoom(id: $id) { liveRoom { state } } }', { id });
  return id;
}

/** A public channel, which everybody can read and become a member of. */
export async function createChannel(host: Member, name: string): Promise<string> {
  const { createRoom } = await host.data(
    'mutation ($input: CreateRoomInput!) { createRoom(input: $input) { room { id } } }',
    { input: { kind: 'CHANNEL', name, visibility: 'PUBLIC' } },
  );
  return createRoom.room.id;
}

/** Somebody as the pages show them. */
export async function participantOf(
  member: Member,
  liveRoomId: string,
): Promise<{ readonly participantId: string }> {
  const { liveRoom } = await member.data(
    'query ($id: ID!) { liveRoom(id: $id) { viewerParticipant { id } } }',
    { id: liveRoomId },
  );
  return { participantId: liveRoom.viewerParticipant.id };
}

/** Opens somebody's options and chooses one. */
export async function choose(page: Page, { handle }: Member, option: string): Promise<void> {
  await page.getByRole('button', { name: `Options for ${handle}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: option }).click();
}

/** Waits until the page shows these people as asking to speak, in this order. */
export const hasHands = (page: Page, names: readonly string[]) =>
  page.waitForFunction((expected) => {
    const shown = [...document.querySelectorAll('#hands .name')].map(({ textContent }) => textContent);
    return shown.join() === expected;
  }, names.join());
