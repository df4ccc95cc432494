import { readdirSync, readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

const TICK_MS = 10;
const PAGE_BYTES = 4_096;

/** What the figures were measured on, in one line. */
export function machine(): string {
  const [cpu] = cpus();
  const gib = (totalmem() / 1024 ** 3).toFixed(0);
  return `${cpus().length} × ${cpu?.model.trim() ?? 'unknown CPU'}, ${gib} GiB, Node ${process.version}, ${process.platform} ${process.arch}`;
}

/** CPU time that a process has used so far, in milliseconds. Linux only. */
export function cpuMsOf(pid: number): number {
  const fields = statOf(pid);
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** That of all that it started and that have ended, in milliseconds. */
export function endedChildrenCpuMsOf(pid: number): number {
  const fields = statOf(pid);
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}

/** The same of a process with one thread (of others: of its main thread), in microseconds and not in steps of 10 ms. */
export function threadCpuUsOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1_000;
}

/** CPU time of this process while `during` lasts, in ms. */
export async function cpuMsOfThis(during: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await during();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** Fields 3 (state) and on of a process: counted behind the command, which may hold blanks. */
function statOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Resident memory of a process, in MB. */
export function rssMbOf(pid: number): number {
  return (Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES) / 1e6;
}

/** A process and everything that it started, itself first. Linux only. */
export function processTree(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [[Number(name), Number(statOf(Number(name))[1])] as const];
      } catch {
        return []; // It ended between the two calls.
      }
    });
  const children = (parent: number): number[] =>
    parents.flatMap(([child, of]) => (of === parent ? [child, ...children(child)] : []));
  return [pid, ...children(pid)];
}
