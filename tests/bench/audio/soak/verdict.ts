import { PACKETS_PER_S } from '../rtp.ts';
import type { CrowdReport } from './crowd.ts';
import type { Holdings } from './observed-server.ts';

/** The third quarter of the time against the last: what still grows by more is not flat. */
const MAX_GROWTH_PERCENT = 5;
/** V8 takes memory in steps and keeps it for a while, as the work comes: what it really uses is the first figure. */
const MAX_RSS_GROWTH_PERCENT = 20;

/** The first of what is read; the rest is that of workers. */
const MEMORY_OF_SERVER = [
  { what: 'what the media server uses', atMost: MAX_GROWTH_PERCENT },
  { what: 'the resident memory of the media server', atMost: MAX_RSS_GROWTH_PERCENT },
];
export const growthLimit = (at: number) =>
  MEMORY_OF_SERVER[at] ?? { what: `the resident memory of worker ${at - 1}`, atMost: MAX_GROWTH_PERCENT };

/** What must be as it was before anybody came. */
const SERVER_FIELDS = ['rooms', 'participants', 'children', 'udp', 'tcp', 'files'] as const;
const WORKER_FIELDS = [
  'routers',
  'transports',
  'producers',
  'consumers',
  'rtpObservers',
  'served',
  'iceSessions',
  'handlers',
  'udp',
  'tcp',
  'files',
] as const;

/** What is there that was not there before, each in words; empty where nothing is. */
export function orphans(before: Holdings, after: Holdings): string[] {
  const left = <F extends string>(who: string, fields: readonly F[], was: Counts<F>, is: Counts<F>) =>
    fields.flatMap((field) =>
      is[field] > was[field] ? [`${who} has ${is[field]} ${field} instead of ${was[field]}`] : [],
    );
  return [
    ...left('the media server', SERVER_FIELDS, before.server, after.server),
    ...after.workers.flatMap((worker, at) => {
      const was = before.workers[at];
      return was ? left(`worker ${at + 1}`, WORKER_FIELDS, was, worker) : ['there is a worker more'];
    }),
  ];
}

type Counts<F extends string> = Readonly<Record<F, number>>;

/** From the third to the last quarter of the readings, of each process. */
export function growthPercents(readings: readonly (readonly number[])[]): number[] {
  const quarter = Math.floor(readings.length / 4);
  const mean = (some: readonly (readonly number[])[], at: number) =>
    some.reduce((sum, reading) => sum + (reading[at] ?? 0), 0) / some.length;
  const processes = readings[0] ?? [];
  return processes.map((_, at) => {
    const [third, last] = [readings.slice(-2 * quarter, -quarter), readings.slice(-quarter)];
    return (mean(last, at) / mean(third, at) - 1) * 100;
  });
}

/** Why a soak has failed, each reason in words; empty where it has not. */
export function failures(
  report: CrowdReport,
  growth: readonly number[],
  left: readonly string[],
  droppedByWorkers: number,
): string[] {
  const { faults, unheard } = report;
  const lost = lostOf(report);
  return [
    ...faults,
    ...(lost > 0
      ? [`${lost} packets were lost; ${droppedByWorkers} found no space in sockets of the workers`]
      : []),
    ...(unheard > 0
      ? [`${unheard} people do not hear somebody who speaks (${PACKETS_PER_S} packets/s)`]
      : []),
    ...growth.flatMap((percent, at) => {
      const { what, atMost } = growthLimit(at);
      return percent <= atMost ? [] : [`${what} grows by ${percent.toFixed(1)} %`];
    }),
    ...left,
  ];
}

/** What was lost on the way through the media server, and not by the listeners' own sockets. */
export const lostOf = ({ lost, dropped }: CrowdReport): number => Math.max(0, lost - dropped);
