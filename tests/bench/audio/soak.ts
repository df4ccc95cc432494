import { setTimeout as delay } from 'node:timers/promises';
import { table, tableRow } from '../table.ts';
import { openCrowd, type Crowd, type CrowdReport } from './soak/crowd.ts';
import { startObservedServer, type Holdings, type ObservedServer } from './soak/observed-server.ts';
import { failures, growthLimit, growthPercents, lostOf, orphans } from './soak/verdict.ts';
import type { Settings } from './settings.ts';

const ROOMS = 25;
const SPEAKERS = 2;
const LISTENERS = 8;
const WORKERS = 2;
/** Few enough that most rooms are on both workers, with pipes between: these have ports of their own. */
const MAX_CONSUMERS_PER_ROUTER = 12;
const ROWS = 10;
const READINGS_PER_ROW = 6;
/** A room stays open for 30 s after its last participant. */
const EMPTY_MS = 60_000;
const ASK_AGAIN_MS = 1_000;

export interface SoakFigures {
  readonly seed: number;
  readonly seconds: number;
  readonly rooms: number;
  readonly people: number;
  readonly joins: number;
  readonly iceRestarts: number;
  readonly packets: number;
  readonly lost: number;
  readonly orphaned: number;
  /** From the third to the last quarter: what the media server uses, its resident memory, that of each worker. */
  readonly growthPercents: readonly number[];
  readonly workerCpuPercentPerRoom: number;
  readonly serverCpuPercentPerRoom: number;
}

/** Rooms in which people come and go for as long as `soakSeconds`, through WebRTC as from browsers. Rejects where anything is lost, left over, or grows. */
export async function soak({ soakSeconds, seed }: Settings): Promise<{ soak: SoakFigures }> {
  const server = await startObservedServer({
    workerCount: WORKERS,
    maxConsumersPerRouter: MAX_CONSUMERS_PER_ROUTER,
  });
  const before = await server.holdings();
  console.log(
    `\nsoak: ${ROOMS} rooms of ${SPEAKERS} speakers and ${LISTENERS} listeners, ${WORKERS} workers, seed ${seed}\n`,
  );
  const size = { rooms: ROOMS, speakers: SPEAKERS, listeners: LISTENERS, sound: null };
  const crowd = await openCrowd(server, { seed, ...size });
  await crowd.live();
  const { readings, coreShares } = await watch(server, crowd, soakSeconds);
  const report = await crowd.report();
  // Before sockets are closed, and their figures are gone with them.
  const { workers } = await server.holdings();
  const droppedByWorkers = workers.reduce((sum, { dropped }) => sum + dropped, 0);
  await crowd.empty();
  const after = await emptied(server, before);
  console.log(describe('after', await server.memoryMb(), after, await crowd.report()));
  await Promise.all([crowd.end(), server.end()]);
  return {
    soak: judge({
      seed,
      seconds: soakSeconds,
      report,
      droppedByWorkers,
      readings,
      coreShares,
      before,
      after,
    }),
  };
}

const HEAD = [
  'minute',
  'people',
  'used MB, server',
  'RSS MB, server',
  'RSS MB, workers',
  'routers',
  'transports',
  'producers',
  'consumers',
  'UDP',
  'TCP',
  'files',
  'joins',
  'ICE restarts',
  'lost',
];

interface Watched {
  /** As `memoryMb` tells it, again and again. */
  readonly readings: readonly (readonly number[])[];
  /** Cores that were used all the time. */
  readonly coreShares: { readonly server: number; readonly workers: number };
}

/** Prints a row now and then. */
async function watch(server: ObservedServer, crowd: Crowd, seconds: number): Promise<Watched> {
  console.log(table(HEAD, []));
  const readings: number[][] = [];
  const [startMs, startCpu] = [performance.now(), server.cpuUs()];
  for (let reading = 1; reading <= ROWS * READINGS_PER_ROW; reading += 1) {
    const dueMs = startMs + (seconds * 1_000 * reading) / (ROWS * READINGS_PER_ROW);
    await delay(Math.max(0, dueMs - performance.now()));
    const memoryMb = await server.memoryMb();
    readings.push(memoryMb);
    if (reading % READINGS_PER_ROW > 0) continue;
    const minute = ((performance.now() - startMs) / 60_000).toFixed(1);
    const report = await crowd.report();
    console.log(describe(minute, memoryMb, await server.holdings(), report));
    if (report.faults.length > 0) throw new Error(report.faults.join('\n'));
  }
  const [tookUs, cpu] = [(performance.now() - startMs) * 1_000, server.cpuUs()];
  const coreShares = {
    server: (cpu.mainThread - startCpu.mainThread) / tookUs,
    workers: (cpu.workers - startCpu.workers) / tookUs,
  };
  return { readings, coreShares };
}

function describe(
  when: string,
  memoryMb: readonly number[],
  { server, workers }: Holdings,
  report: CrowdReport,
): string {
  const sum = (of: (worker: Holdings['workers'][number]) => number) =>
    workers.reduce((total, one) => total + of(one), 0);
  const counts = [
    sum((one) => one.routers),
    sum((one) => one.transports),
    sum((one) => one.producers),
    sum((one) => one.consumers),
    sum((one) => one.udp) + server.udp,
    sum((one) => one.tcp) + server.tcp,
    sum((one) => one.files) + server.files,
    report.joins,
    report.iceRestarts,
    lostOf(report),
  ];
  const [used = 0, rss = 0, ...ofWorkers] = memoryMb;
  const memory = [used.toFixed(1), rss.toFixed(0), ofWorkers.map((one) => one.toFixed(1)).join(' + ')];
  return tableRow([when, String(server.participants), ...memory, ...counts.map(String)]);
}

/** What is held once it is no more than before, or does not become less in time. */
async function emptied(server: ObservedServer, before: Holdings): Promise<Holdings> {
  const giveUpAtMs = performance.now() + EMPTY_MS;
  for (;;) {
    const now = await server.holdings();
    if (orphans(before, now).length === 0 || performance.now() > giveUpAtMs) return now;
    await delay(ASK_AGAIN_MS);
  }
}

interface Outcome extends Watched {
  readonly seed: number;
  readonly seconds: number;
  readonly report: CrowdReport;
  readonly droppedByWorkers: number;
  readonly before: Holdings;
  readonly after: Holdings;
}

function judge(outcome: Outcome): SoakFigures {
  const { seed, seconds, report, droppedByWorkers, readings, coreShares, before, after } = outcome;
  const growth = growthPercents(readings);
  const left = orphans(before, after);
  const [workerCpuPercentPerRoom, serverCpuPercentPerRoom] = [coreShares.workers, coreShares.server].map(
    (cores) => (cores * 100) / ROOMS,
  );
  const percent = (value: number) => `${value.toFixed(2)} %`;
  console.log(
    `\n${report.received} packets were received, ${report.opened} of them decrypted; speakers were at most ${report.latestMs.toFixed(0)} ms late` +
      `\nCPU per room: ${percent(workerCpuPercentPerRoom ?? 0)} of a core in workers, ${percent(serverCpuPercentPerRoom ?? 0)} in the media server` +
      `\nmemory from the third to the last quarter: ${growth.map((one, at) => `${percent(one)} of at most ${growthLimit(at).atMost}`).join(', ')} (used by the server, its RSS, that of each worker)`,
  );
  const reasons = failures(report, growth, left, droppedByWorkers);
  if (reasons.length > 0) throw new Error(`The soak has failed (seed ${seed}):\n${reasons.join('\n')}`);
  return {
    seed,
    seconds,
    rooms: ROOMS,
    people: ROOMS * (SPEAKERS + LISTENERS),
    joins: report.joins,
    iceRestarts: report.iceRestarts,
    packets: report.received,
    lost: lostOf(report),
    orphaned: left.length,
    growthPercents: growth,
    workerCpuPercentPerRoom: workerCpuPercentPerRoom ?? 0,
    serverCpuPercentPerRoom: serverCpuPercentPerRoom ?? 0,
  };
}
