import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { skipWithoutWorker, startMedia, type MediaKit } from '../media/media-kit.ts';
import { freePort } from '../support/servers.ts';
import { startSilentNetwork, type SilentNetwork } from '../support/silent-network.ts';
import { requireChromium } from '../support/system-packages.ts';
import { consumersOf, hears, missesSound, openLiveEars, type Ear, type LiveEars } from './live-ears.ts';
import { PATIENCE_MS } from './live-page-driver.ts';
import { checked } from './peer-connections.ts';

const program = await requireChromium();
const executablePath = 'missing' in program ? '' : program.executablePath;
const skipped = 'missing' in program ? program.missing : skipWithoutWorker;
if (skipped && process.env.CI) throw new Error(skipped);

/** The server itself, and where browsers are told that its audio is. */
const SERVER = '127.0.0.1';
const ANNOUNCED = '127.0.0.2';
/** Some eight seconds without audio: far more than a dead connection has until it is noticed. */
const CHECKS = 3;

type Name = 'ada' | 'ben';

const asked = ({ requests }: Ear, method: string): number => requests.filter((one) => one === method).length;

describe('Connections that die without a word', { skip: skipped, timeout: 10 * PATIENCE_MS }, () => {
  let kit: MediaKit;
  let audio: SilentNetwork;
  let socket: SilentNetwork;
  let ears: LiveEars;
  let ada: Ear;
  let ben: Ear;

  // What a client begins belongs to whoever is in trouble.
  const own = (name: Name) => Object.assign(audio, { owner: name }) && Object.assign(socket, { owner: name });

  before(async () => {
    const port = await freePort();
    const listen = { ip: SERVER, announcedAddress: ANNOUNCED, minPort: port, maxPort: port };
    kit = await startMedia({ listen });
    audio = await startSilentNetwork({ host: ANNOUNCED, port }, { host: SERVER, port });
    const signalling = { host: SERVER, port: await freePort() };
    socket = await startSilentNetwork(signalling, { host: SERVER, port: Number(new URL(kit.url).port) });
    const url = `ws://${signalling.host}:${signalling.port}/media`;
    ears = await openLiveEars(executablePath, kit.liveRoomId, async () => url);
    own('ada');
    ada = await ears.enter(440);
    own('ben');
    ben = await ears.enter(null);
    await hears(ben, ada);
  });
  after(async () => {
    await ears.close();
    await Promise.all([audio.close(), socket.close()]);
    await kit.close();
  });
  /** Kills connections of one of them, or of both, and waits until Ben hears Ada again, over another consumer where `isAnew`. */
  const kill = async (t: TestContext, of: Name, networks: readonly SilentNetwork[], isAnew: boolean) => {
    own(of);
    const former = await consumersOf(ben);
    const told = kit.events.all.length;
    const killedMs = performance.now();
    for (const network of networks) network.die(of);
    if (networks.includes(audio)) await missesSound(ben, ada);
    await hears(ben, ada, isAnew ? former : []);
    const what = networks.includes(audio) ? 'audio was back' : 'audio came over another connection';
    t.diagnostic(`${what} ${Math.round(performance.now() - killedMs)} ms after the death`);
    if (!isAnew) assert.deepEqual(await consumersOf(ben), former);
    // The server's keep-alive would have told of the loss: whoever came back did so before it found the connection dead.
    assert.deepEqual(kit.events.all.slice(told), []);
  };

  for (const [name, whose] of [
    ['ben', 'a listener’s'],
    ['ada', 'a speaker’s'],
  ] as const) {
    const inTrouble = () => (name === 'ada' ? ada : ben);

    test(`${whose} audio alone is mended by restarts of ICE, over the socket that stands`, async (t) => {
      const [sockets, restarts] = [socket.counts.tcp, asked(inTrouble(), 'restartIce')];
      await kill(t, name, [audio], false);
      assert.ok(asked(inTrouble(), 'restartIce') > restarts);
      assert.equal(socket.counts.tcp, sockets);
    });

    test(`${whose} socket alone is replaced by another one`, async (t) => {
      const authenticate = asked(inTrouble(), 'authenticate');
      await kill(t, name, [socket], true);
      assert.equal(asked(inTrouble(), 'authenticate'), authenticate + 1);
    });

    test(`${whose} socket and audio are both replaced`, async (t) => {
      const authenticate = asked(inTrouble(), 'authenticate');
      await kill(t, name, [audio, socket], true);
      assert.equal(asked(inTrouble(), 'authenticate'), authenticate + 1);
    });
  }

  test('come back as soon as the network carries anything again', async (t) => {
    own('ben');
    const former = await consumersOf(ben);
    for (const network of [audio, socket]) network.darken('ben');
    // Some tries come to nothing, each over a socket of its own.
    const tried = socket.counts.tcp + 2;
    await ben.page.waitForFunction(() => liveEar.state()?.connection === 'reconnecting');
    while (socket.counts.tcp < tried) await ben.page.evaluate(() => new Promise(requestAnimationFrame));
    const openedMs = performance.now();
    for (const network of [audio, socket]) network.open();
    await hears(ben, ada, former);
    t.diagnostic(`audio was back ${Math.round(performance.now() - openedMs)} ms after the network`);
  });

  describe('are told from', () => {
    /** What is asked of the server while nothing is heard, though all connections stand. */
    const askedInSilence = async () => {
      const former = ben.requests.length;
      await missesSound(ben, ada);
      await checked(ben.page, CHECKS);
      return ben.requests.slice(former);
    };

    test('a microphone that is off', async () => {
      await ada.page.evaluate(() => liveEar.hush());
      assert.deepEqual(await askedInSilence(), []);
      await ada.page.evaluate(() => liveEar.speak());
      await hears(ben, ada);
    });

    test('a speaker who is gone, about whom a listener asks once for each sign at most', async (t) => {
      own('ada');
      for (const network of [audio, socket]) network.darken('ada');
      const questions = await askedInSilence();
      t.diagnostic(`asked: ${questions.join()}`);
      // Packets and levels stay away. None where a check of ICE was answered in time, and the answer to the first spares the second where that comes in time.
      assert.ok(questions.length <= 2 && questions.every((method) => method === 'ping'));
    });
  });
});
