import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { connectLiveBus } from '#platform/events/connect.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { newId } from '#platform/ids.ts';
import { createLog } from '#platform/log.ts';
import { MEDIA_CONTROL_TOPIC, MEDIA_HEARTBEAT_TOPIC, mediaHeartbeat } from '#schema/media-bus.ts';
import { createMediaFleet, type MediaFleet } from '../../subgraphs/stream/service/media-fleet.ts';
import { noMediaServers } from '../../subgraphs/stream/service/media-http.ts';
import { skipWithoutWorker, startMedia } from '../media/media-kit.ts';
import { startMediaServerProcess, type MediaServerProcess } from '../media/media-server-process.ts';
import { services, skipWithout } from '../support/services.ts';
import { requireChromium } from '../support/system-packages.ts';
import {
  consumersOf,
  hears,
  hearsNothingOf,
  openLiveEars,
  receptionOf,
  seesFloorOf,
  seesLevelOf,
  type Ear,
  type LiveEars,
} from './live-ears.ts';
import { PATIENCE_MS } from './live-page-driver.ts';

const program = await requireChromium();
const executablePath = 'missing' in program ? '' : program.executablePath;
const skipped = 'missing' in program ? program.missing : skipWithoutWorker;
if (skipped && process.env.CI) throw new Error(skipped);
const timeout = 8 * PATIENCE_MS;

const ADA_HZ = 440;
const BOB_HZ = 880;
/** Five seconds of audio. */
const PACKETS = 250;

const BACK_WITHIN_MS = 2_000;
/** A server that was killed stays in the directory for as long. */
const FORGOTTEN_AFTER_MS = 15_000;

/** Two who speak and two who listen. */
interface Company {
  readonly ada: Ear;
  readonly bob: Ear;
  readonly cleo: Ear;
  readonly dan: Ear;
}

const enterAll = async (ears: LiveEars): Promise<Company> => ({
  ada: await ears.enter(ADA_HZ),
  bob: await ears.enter(BOB_HZ),
  cleo: await ears.enter(null),
  dan: await ears.enter(null),
});

/** Everybody with whom they hear. */
const pairsOf = ({ ada, bob, cleo, dan }: Company): (readonly [Ear, Ear])[] => [
  [ada, bob],
  [bob, ada],
  [cleo, ada],
  [cleo, bob],
  [dan, ada],
  [dan, bob],
];

const everybodyHears = (all: Company) =>
  Promise.all(pairsOf(all).map(([ear, speaker]) => hears(ear, speaker)));

async function nothingIsLost(all: Company, t: TestContext): Promise<void> {
  const receptions = await Promise.all(Object.values(all).map((ear: Ear) => receptionOf(ear, PACKETS)));
  t.diagnostic(JSON.stringify(receptions));
  assert.equal(receptions.flat().length, pairsOf(all).length);
  assert.ok(receptions.flat().every(({ lost }) => lost === 0));
}

/** Nobody hears Ada while her microphone is off, all hear Bob all the time, and Ada again afterwards. */
async function muteIsHeardByAll({ ada, bob, cleo, dan }: Company): Promise<void> {
  const others = [bob, cleo, dan];
  await ada.page.evaluate(() => liveEar.hush());
  await Promise.all(others.map((ear) => hearsNothingOf(ear, ada)));
  await Promise.all([ada, cleo, dan].map((ear) => hears(ear, bob)));
  await ada.page.evaluate(() => liveEar.speak());
  await Promise.all(others.map((ear) => hears(ear, ada)));
}

/** Levels of both reach everybody else, and who alone speaks has the floor everywhere. */
async function levelsReachAll(all: Company): Promise<void> {
  const { ada, bob, cleo, dan } = all;
  const everybody = [ada, bob, cleo, dan];
  await Promise.all(pairsOf(all).map(([ear, speaker]) => seesLevelOf(ear, speaker)));
  for (const [quiet, speaking] of [
    [ada, bob],
    [bob, ada],
  ] as const) {
    await quiet.page.evaluate(() => liveEar.hush());
    await Promise.all(everybody.map((ear) => seesFloorOf(ear, speaking)));
    await quiet.page.evaluate(() => liveEar.speak());
  }
}

describe('Four browsers in a room on two workers', { skip: skipped, timeout }, () => {
  let kit: Awaited<ReturnType<typeof startMedia>>;
  let ears: LiveEars;
  let all: Company;

  before(async () => {
    // A router takes as many as one stream can be handed to: people are spread evenly.
    kit = await startMedia({ workerCount: 2, limits: { maxConsumersPerRouter: 1 } });
    ears = await openLiveEars(executablePath, kit.liveRoomId, async () => kit.url);
    all = await enterAll(ears);
  });
  after(async () => {
    await ears.close();
    await kit.close();
  });

  test('hear each speaker’s own tone, from both workers', async () => {
    await everybodyHears(all);
    const [room] = kit.media.status().rooms;
    assert.deepEqual(
      room?.routers.map(({ peers }) => peers),
      [2, 2],
    );
    assert.ok(room?.pipes);
  });

  test('lose no packet', (t) => nothingIsLost(all, t));
  test('hear nothing of who is muted', () => muteIsHeardByAll(all));
  test('see who speaks', () => levelsReachAll(all));
  test('are told who holds the floor when they come, though nothing changes after that', async () => {
    const { ada, bob, cleo } = all;
    await ada.page.evaluate(() => liveEar.hush());
    await Promise.all([bob, cleo].map((ear) => seesFloorOf(ear, bob)));
    await seesFloorOf(await ears.enter(null), bob);
  });
});

describe(
  'Four browsers in a room on two media servers',
  { skip: skipped || skipWithout('redisUrl'), timeout },
  () => {
    const log = createLog('live-mesh-test', 'silent');
    const liveRoomId = newId('LiveRoom');
    /** Where those go who are not yet anywhere. */
    let next: string | null = null;
    const servers: MediaServerProcess[] = [];
    let liveBus: LiveBus;
    let fleet: MediaFleet;
    let heartbeats: Awaited<ReturnType<typeof followFleet>>;
    let ears: LiveEars;
    let all: Company;

    const start = async (): Promise<MediaServerProcess> => {
      const server = await startMediaServerProcess();
      servers.push(server);
      await heartbeats.heard(server.url);
      return server;
    };
    let one: MediaServerProcess;
    let two: MediaServerProcess;

    before(async () => {
      liveBus = await connectLiveBus({ redisUrl: services.redisUrl ?? undefined, log });
      fleet = createMediaFleet(noMediaServers);
      heartbeats = await followFleet(liveBus, fleet);
      [one, two] = [await start(), await start()];
      ears = await openLiveEars(executablePath, liveRoomId, async () => {
        const location = await fleet.locate(liveRoomId);
        return next ?? (location.available ? location.url : null);
      });
      const enter = async ({ url }: MediaServerProcess, hz: number | null) => {
        next = url;
        const ear = await ears.enter(hz);
        next = null;
        return ear;
      };
      all = {
        ada: await enter(one, ADA_HZ),
        bob: await enter(two, BOB_HZ),
        cleo: await enter(one, null),
        dan: await enter(two, null),
      };
    });
    after(async () => {
      await ears.close();
      for (const { child } of servers) child.kill('SIGKILL');
      await heartbeats.close();
      await liveBus.close();
    });

    test('hear each speaker’s own tone, from both servers', async () => void (await everybodyHears(all)));
    test('lose no packet', (t) => nothingIsLost(all, t));
    test('hear nothing of who is muted, also by a moderator', async () => {
      await muteIsHeardByAll(all);
      const { ada, bob, cleo, dan } = all;
      const mute = (muted: boolean) => {
        const { participantId } = bob;
        return liveBus.publish(MEDIA_CONTROL_TOPIC, { kind: 'mute', liveRoomId, participantId, muted });
      };
      await mute(true);
      await Promise.all([ada, cleo, dan].map((ear) => hearsNothingOf(ear, bob)));
      await Promise.all([bob, cleo, dan].map((ear) => hears(ear, ada)));
      await mute(false);
      await bob.page.waitForFunction(() => liveEar.state()?.self?.muted === false);
      await bob.page.evaluate(() => liveEar.speak());
      await everybodyHears(all);
    });
    test('see who speaks', () => levelsReachAll(all));

    /** Everybody whose connection, or whose speaker's, is another one afterwards. */
    const recovers = async (t: TestContext, moved: readonly Ear[], cause: () => unknown): Promise<void> => {
      const pairs = pairsOf(all).filter((pair) => pair.some((ear) => moved.includes(ear)));
      const former = new Map(
        await Promise.all(pairs.map(async ([ear]) => [ear, await consumersOf(ear)] as const)),
      );
      const startedMs = performance.now();
      cause();
      const tookMs = await Promise.all(
        pairs.map(async ([ear, speaker]) => {
          // A listener who stays hears only those anew who have moved.
          await hears(ear, speaker, former.get(ear));
          return Math.round(performance.now() - startedMs);
        }),
      );
      t.diagnostic(`heard again after ${tookMs.join(', ')} ms`);
      assert.ok(Math.max(...tookMs) < BACK_WITHIN_MS);
      await everybodyHears(all);
      await Promise.all(pairsOf(all).map(([ear, speaker]) => seesLevelOf(ear, speaker)));
      const levelsMs = Math.round(performance.now() - startedMs);
      t.diagnostic(`levels reached all after ${levelsMs} ms`);
      assert.ok(levelsMs < FORGOTTEN_AFTER_MS);
      await levelsReachAll(all);
    };

    test('hear each other again by themselves when one of the servers is killed', async (t) => {
      const { ada, cleo } = all;
      await recovers(t, [ada, cleo], () => one.child.kill('SIGKILL'));
    });

    test('are handed over by a server that is stopped', async (t) => {
      one = await start();
      await recovers(t, Object.values(all), () => two.child.kill('SIGTERM'));
      assert.equal(await two.exitCode, 0);
    });
  },
);

/** Tells the fleet what servers say of themselves. */
async function followFleet(liveBus: LiveBus, fleet: MediaFleet) {
  const subscription = await liveBus.subscribe(MEDIA_HEARTBEAT_TOPIC);
  const known = new Set<string>();
  const waiting = new Map<string, () => void>();
  const follow = async () => {
    for await (const message of subscription) {
      const heartbeat = mediaHeartbeat.parse(message);
      fleet.hear(heartbeat);
      const { publicUrl = '' } = heartbeat.address ?? {};
      known.add(publicUrl);
      waiting.get(publicUrl)?.();
    }
  };
  const following = follow();
  return {
    /** Resolves once the server at that address has said that it is there. */
    heard: (url: string) =>
      new Promise<void>((resolve) => {
        if (known.has(url)) resolve();
        else waiting.set(url, resolve);
      }),
    async close() {
      await subscription.return();
      await following;
    },
  };
}
