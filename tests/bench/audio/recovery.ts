import type { Browser, Page } from 'playwright-core';
import { connected, launch, PATIENCE_MS, signIn } from '../../browser/live-page-driver.ts';
import { liveUser, type LiveUser } from '../../browser/live-platform.ts';
import { watchPeerConnections } from '../../browser/peer-connections.ts';
import { createTone } from '../../browser/tone.ts';
import { requireChromium } from '../../support/system-packages.ts';
import { useBothCores } from '../gateway/processes.ts';
import { percentile, table } from '../table.ts';
import { joinAndHear, listenTo, srtpCiphersOf } from './live-ears.ts';
import { startLiveServer } from './live-server.ts';
import type { Settings } from './settings.ts';

const JOINS = 30;

export interface RecoveryFigures {
  readonly joinP95Ms: number;
  readonly iceRestartMs: number;
  readonly silentDeathMs: number;
  readonly workerKillMs: number;
  readonly serverRestartMs: number;
}

type LiveServer = Awaited<ReturnType<typeof startLiveServer>>;

interface Fault {
  readonly name: string;
  readonly cause: (server: LiveServer, pages: readonly Page[]) => void | Promise<void>;
}

const FAULTS = {
  iceRestartMs: {
    name: 'everybody changes the network (ICE restart)',
    cause: async (server, pages) => {
      server.changeNetwork();
      // What a browser tells its pages of it.
      await Promise.all(pages.map((page) => page.evaluate(() => void dispatchEvent(new Event('online')))));
    },
  },
  silentDeathMs: {
    name: 'sockets and audio of everybody die without a word',
    cause: (server) => server.dieSilently(),
  },
  workerKillMs: { name: 'SIGKILL to the media worker', cause: (server) => server.killWorker() },
  serverRestartMs: { name: 'restart of the media server', cause: (server) => server.restart() },
} satisfies Record<string, Fault>;

/** A speaker and two listeners in Chromium: how soon one hears who joins, and hears again after a fault, without doing anything. */
export async function recovery({ rounds }: Settings): Promise<RecoveryFigures> {
  const program = await requireChromium();
  if ('missing' in program) throw new Error(program.missing);
  useBothCores();
  const tone = await createTone();
  const speaker = liveUser('Ada', 'SPEAKER');
  const listeners = [liveUser('Ben', 'LISTENER'), liveUser('Cleo', 'LISTENER')];
  const server = await startLiveServer([speaker, ...listeners]);
  const browsers: Browser[] = [];
  const enter = async (user: LiveUser) => {
    const browser = await launch(program.executablePath, tone.path);
    browsers.push(browser);
    return enterRoom(browser, server.url, user);
  };
  const speaking = await enter(speaker);
  const hearing = await Promise.all(listeners.map(enter));

  console.log('\nrecovery: a speaker and two listeners in Chromium\n');
  const ciphers = (await Promise.all([speaking, ...hearing].map(srtpCiphersOf))).flat();
  console.log(`SRTP profiles that were negotiated: ${[...new Set(ciphers)].join(', ')}\n`);
  const joinP95Ms = await measureJoins(hearing, speaker);
  const figures = await measureFaults(server, speaking, hearing, speaker, rounds);
  for (const browser of browsers) await browser.close();
  await server.close();
  await tone.remove();
  return { joinP95Ms, ...figures };
}

async function enterRoom(browser: Browser, url: string, user: LiveUser): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await watchPeerConnections(page);
  await page.goto(url);
  await signIn(page, user);
  await connected(page);
  return page;
}

/** Each listener in turn leaves and joins again. */
async function measureJoins(hearing: readonly Page[], speaker: LiveUser): Promise<number> {
  const tookMs: number[] = [];
  for (let join = 0; join < JOINS; join += 1) {
    const page = hearing[join % hearing.length];
    if (!page) break;
    await page.getByRole('button', { name: 'Leave' }).click();
    await page.getByRole('button', { name: 'Join the room' }).waitFor();
    tookMs.push(await joinAndHear(page, speaker));
  }
  const row = [0.5, 0.95, 1].map((share) => percentile(tookMs, share).toFixed(0));
  console.log(
    table(['', 'p50 ms', 'p95 ms', 'max ms'], [[`from joining to hearing, ${JOINS} joins`, ...row]]),
  );
  return percentile(tookMs, 0.95);
}

type Faults = keyof typeof FAULTS;

/** The worst of all listeners and rounds counts. */
async function measureFaults(
  server: LiveServer,
  speaking: Page,
  hearing: readonly Page[],
  speaker: LiveUser,
  rounds: number,
): Promise<Record<Faults, number>> {
  const figures: Record<Faults, number> = {
    iceRestartMs: 0,
    silentDeathMs: 0,
    workerKillMs: 0,
    serverRestartMs: 0,
  };
  const ears = await Promise.all(hearing.map((page) => listenTo(page, speaker)));
  const rows: string[][] = [];
  // Dead connections last: a server that is stopped waits for those who do not answer.
  for (const key of ['iceRestartMs', 'workerKillMs', 'serverRestartMs', 'silentDeathMs'] as const) {
    const { name, cause }: Fault = FAULTS[key];
    const [tookMs, lastedMs]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(ears.map(({ steady }) => steady()));
      const sinceMs = Date.now();
      await cause(server, [speaking, ...hearing]);
      lastedMs.push(Date.now() - sinceMs);
      tookMs.push(...(await Promise.all(ears.map(({ heardAgainAfter }) => heardAgainAfter(sinceMs)))));
    }
    figures[key] = Math.max(...tookMs);
    const ms = [percentile(tookMs, 0.5), figures[key], percentile(lastedMs, 0.5)];
    rows.push([name, ...ms.map((one) => one.toFixed(0))]);
  }
  const head = ['', 'heard again after ms, p50', 'at most ms', 'the fault itself ms, p50'];
  console.log(`\n${table(head, rows)}`);
  return figures;
}
