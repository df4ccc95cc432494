import { threadCpuUsOf } from '../machine.ts';
import type { Stage } from './audience.ts';
import type { ListenersReport } from './listener.ts';
import type { Load } from './load.ts';
import { PACKETS_PER_S } from './rtp.ts';

/** One turn of a speaker in front of its listeners. */
export interface Turn {
  readonly perPacketUs: number;
  /** The same of each worker: of all its CPU time, per packet of all. */
  readonly perPacketUsOfWorkers: readonly number[];
  readonly lossPercent: number;
  readonly report: ListenersReport;
  /** Packets that the load was too slow to take, in percent; they are not in `lossPercent`. */
  readonly overrunPercent: number;
  /** By the workers, while the speaker spoke. */
  readonly coresUsed: number;
}

/** Speaks for so long, and waits until all has arrived. Rejects where nothing was decrypted, or anything was other than sent. */
export async function takeTurn(
  stage: Stage,
  { pids, listeners, decrypts }: { pids: readonly number[]; listeners: number; decrypts: boolean },
  load: Load,
  seconds: number,
): Promise<Turn> {
  await load.reset();
  const before = { cpuUs: pids.map(threadCpuUsOf), overrun: load.overrun() };
  const packets = Math.ceil(seconds * PACKETS_PER_S);
  await load.speak(stage.port, stage.ssrc, packets);
  const expected = packets * listeners;
  const report = await load.arrived(expected);
  const usedUs = pids.map((pid, at) => threadCpuUsOf(pid) - (before.cpuUs[at] ?? 0));
  if (decrypts && report.opened === 0) throw new Error('no listener has decrypted anything');
  if (report.received > expected) throw new Error(`${report.received} packets of ${expected} arrived`);
  // Reports of the worker (RTCP) among what was dropped cannot be told apart.
  const overrun = Math.min(load.overrun() - before.overrun, expected - report.received);
  const forwarded = report.received + overrun;
  const perPacketUsOfWorkers = usedUs.map((us) => us / forwarded);
  return {
    perPacketUs: perPacketUsOfWorkers.reduce((sum, us) => sum + us, 0),
    perPacketUsOfWorkers,
    lossPercent: (100 * (expected - forwarded)) / expected,
    report,
    overrunPercent: (100 * overrun) / expected,
    coresUsed: usedUs.reduce((sum, us) => sum + us, 0) / (seconds * 1e6),
  };
}
