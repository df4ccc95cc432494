import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { connectionsReport, connectionsTopic } from '#schema/media-bus.ts';
import { findWorker } from '../../media-server/worker/find-worker.mjs';
import { startLossyRelay, type LossyRelay } from '../support/lossy-relay.ts';
import { freePort } from '../support/servers.ts';
import { requireChromium } from '../support/system-packages.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import {
  connected,
  HEARD,
  launch,
  levelOf,
  PATIENCE_MS,
  recordStates,
  showsQuality,
  signIn,
  staysSilent,
  watchSilence,
} from './live-page-driver.ts';
import { liveUser, startLivePlatform } from './live-platform.ts';
import { carriedBy, cutOff, openRawMicrophone, received, watchPeerConnections } from './peer-connections.ts';
import { createTone } from './tone.ts';

const program = await requireChromium();
const worker = findWorker();
const missing = 'missing' in program ? program.missing : worker.path === null ? worker.reason : null;
if (missing && process.env.CI) throw new Error(missing);
const skip = missing ?? false;
const timeout = 6 * PATIENCE_MS;

/** The media server itself, and where browsers are told that it is. */
const SERVER = '127.0.0.1';
const ANNOUNCED = '127.0.0.2';

const LOSS = 0.05;
const MAX_DELAY_MS = 100;
/** Ten seconds of audio. */
const PACKETS = 500;
const MAX_SILENCE_MS = 500;
const MAX_CONCEALED = 0.15;
const BACK_WITHIN_MS = 2_000;

/** Ada speaks and Ben listens, in a room for speech whose media server is to be reached by a detour only. */
async function openRoom() {
  const [ada, ben] = [liveUser('Ada', 'SPEAKER'), liveUser('Ben', 'LISTENER')];
  const port = await freePort();
  const tone = await createTone();
  const listen = { ip: SERVER, announcedAddress: ANNOUNCED, minPort: port, maxPort: port };
  const platform = await startLivePlatform([ada, ben], worker.path ?? '', { musicMode: false, listen });
  const browsers: Browser[] = [];
  const enter = async (user: typeof ada, origin = new URL(platform.url).origin): Promise<Page> => {
    const browser = await launch('missing' in program ? '' : program.executablePath, tone.path);
    browsers.push(browser);
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await watchPeerConnections(page);
    await openRawMicrophone(page);
    await page.goto(origin + new URL(platform.url).pathname);
    await signIn(page, user);
    await connected(page);
    return page;
  };
  const close = async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    await platform.close();
    await tone.remove();
  };
  return { ada, ben, port, platform, enter, close };
}

const isHeard = (level: number) => level > HEARD;
const online = (page: Page) => page.evaluate(() => dispatchEvent(new Event('online')));

describe('A live room over a bad network', { skip, timeout }, () => {
  const seed = Number(process.env['TEST_SEED'] ?? Date.now() % 1_000_000);
  let room: Awaited<ReturnType<typeof openRoom>>;
  let relay: LossyRelay;
  let speaking: Page;
  let listening: Page;

  before(async () => {
    room = await openRoom();
    const { port } = room;
    relay = await startLossyRelay({
      from: { host: ANNOUNCED, port },
      to: { host: SERVER, port },
      seed,
      loss: LOSS,
      maxDelayMs: MAX_DELAY_MS,
    });
    [speaking, listening] = await Promise.all([room.enter(room.ada), room.enter(room.ben)]);
    await levelOf(listening, room.ada, isHeard);
  });
  after(async () => {
    await room.close();
    await relay.close();
  });

  test('speech stays continuous though packets are lost and late', async (t) => {
    const before = await received(listening, 100);
    const silence = await watchSilence(listening, room.ada);
    const now = await received(listening, before.packetsReceived + PACKETS);
    const longestMs = await silence.longestMs();
    const concealed =
      (now.concealedSamples - before.concealedSamples) /
      (now.totalSamplesReceived - before.totalSamplesReceived);
    t.diagnostic(`seed ${seed}: ${JSON.stringify({ ...relay.counts, concealed, longestMs })}`);
    t.diagnostic(`asked again ${now.nackCount} times`);
    assert.ok(relay.counts.lost > PACKETS * LOSS, 'packets were lost');
    assert.ok(now.nackCount > 0, 'lost packets were asked for again');
    assert.ok(longestMs < MAX_SILENCE_MS, `${longestMs} ms of silence`);
    assert.ok(concealed < MAX_CONCEALED, `${concealed} of the samples were made up`);
  });

  test('everybody sees how well a speaker is connected, and the live bus is told', async (t) => {
    const { ada, platform } = room;
    const reports = await platform.liveBus.subscribe(connectionsTopic(platform.liveRoomId));
    const shown = (quality: string) => showsQuality(listening, ada, quality);
    relay.lose(0.4);
    await Promise.all([shown('POOR'), showsQuality(speaking, ada, 'POOR')]);
    for await (const message of reports) {
      const { connections } = connectionsReport.parse(message);
      const found = connections.find(({ participantId }) => participantId === ada.participantId);
      if (found?.quality !== 'POOR') continue;
      t.diagnostic(JSON.stringify(found));
      break;
    }
    relay.lose(0);
    await shown('EXCELLENT');
    relay.block();
    await shown('LOST');
    relay.open();
    await Promise.all([speaking, listening].map(online));
    await shown('EXCELLENT');
  });

  const backAfter = async (t: TestContext, pages: readonly Page[]) => {
    const startedMs = performance.now();
    await Promise.all(pages.map(online));
    await levelOf(listening, room.ada, isHeard);
    const tookMs = performance.now() - startedMs;
    t.diagnostic(`audio was back ${Math.round(tookMs)} ms after the ICE restart`);
    assert.ok(tookMs < BACK_WITHIN_MS, `${tookMs} ms`);
  };

  test('audio is back soon after an outage', async (t) => {
    relay.block();
    await staysSilent(listening, room.ada);
    relay.open();
    await backAfter(t, [speaking, listening]);
  });

  test('audio is back soon where a router has given both another port', async (t) => {
    relay.block();
    await staysSilent(listening, room.ada);
    relay.rebind();
    relay.open();
    await backAfter(t, [speaking, listening]);
  });

  test('clients notice by themselves that the network is gone, and come back with the stream that they had', async (t) => {
    const former = await producerOf(speaking);
    relay.block();
    await Promise.all([speaking, listening].map(cutOff));
    relay.rebind();
    relay.open();
    const openedMs = performance.now();
    await levelOf(listening, room.ada, isHeard);
    t.diagnostic(`audio was back ${Math.round(performance.now() - openedMs)} ms after the network`);
    assert.equal(await producerOf(speaking), former);
  });
});

/** The stream's number: a producer that is made anew has another one. */
const producerOf = (page: Page): Promise<unknown> =>
  page.evaluate(async () => {
    const reports = await Promise.all(globalThis.peerConnections.map((one) => one.getStats()));
    const all = reports.flatMap((report) => [...report.values()]);
    return all.findLast(({ type }) => type === 'outbound-rtp')?.ssrc;
  });

describe('A live room behind a firewall that lets no UDP through', { skip, timeout }, () => {
  let room: Awaited<ReturnType<typeof openRoom>>;
  let audio: TcpProxy;
  let web: TcpProxy;
  let speaking: Page;
  let listening: Page;
  before(async () => {
    room = await openRoom();
    audio = await startTcpProxy(SERVER, room.port, { host: ANNOUNCED, port: room.port });
    web = await startTcpProxy(SERVER, Number(new URL(room.platform.url).port));
  });
  after(async () => {
    await room.close();
    await Promise.all([audio.close(), web.close()]);
  });

  test('is heard over TCP', async () => {
    const origin = `http://127.0.0.1:${web.port}`;
    [speaking, listening] = await Promise.all([room.enter(room.ada, origin), room.enter(room.ben, origin)]);
    await levelOf(listening, room.ada, isHeard);
    assert.deepEqual([...(await carriedBy(speaking)), ...(await carriedBy(listening))], ['tcp', 'tcp']);
  });

  test('is heard again where all connections went dead without a word, because the network is another', async (t) => {
    const states = await Promise.all([recordStates(speaking), recordStates(listening)]);
    for (const proxy of [audio, web]) proxy.freeze();
    await staysSilent(listening, room.ada);
    const changedMs = performance.now();
    await Promise.all([speaking, listening].map(online));
    await Promise.all(states.map(({ seen }) => seen(['reconnecting', 'connected'])));
    await levelOf(listening, room.ada, isHeard);
    t.diagnostic(`audio was back ${Math.round(performance.now() - changedMs)} ms after the change`);
  });
});
