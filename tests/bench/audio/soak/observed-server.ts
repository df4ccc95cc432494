import { z } from 'zod';
import { GATEWAY_CORE } from '../../gateway/processes.ts';
import { cpuMsOf, endedChildrenCpuMsOf, processTree, rssMbOf, threadCpuUsOf } from '../../machine.ts';
import { startAsked } from '../asked-process.ts';
import type { ServerOrder } from '../orders.ts';
import { openFilesOf, type OpenFiles } from './open-files.ts';

const worker = z.object({
  pid: z.number(),
  routers: z.number(),
  transports: z.number(),
  producers: z.number(),
  consumers: z.number(),
  rtpObservers: z.number(),
  served: z.number(),
  iceSessions: z.number(),
  handlers: z.number(),
});
const census = z.object({
  workers: z.array(worker),
  rooms: z.number(),
  participants: z.number(),
  recordings: z.number(),
});
const collected = z.object({ usedMb: z.number() });
const started = z.object({ port: z.number() });

/** What the media server and its workers hold at one moment. */
export interface Holdings {
  readonly server: OpenFiles & {
    readonly rooms: number;
    readonly participants: number;
    /** Processes that it has started. */
    readonly children: number;
  };
  /** In the order of their process ids. */
  readonly workers: readonly (OpenFiles & z.infer<typeof worker>)[];
}

/** So far, in µs. */
export interface CpuTimes {
  readonly mainThread: number;
  /** In steps of 10 ms, as that of ffmpeg. */
  readonly otherThreads: number;
  readonly workers: number;
  /** Of all other processes that the media server has started, those that have ended included. */
  readonly ffmpeg: number;
}

/** A media server as a process of its own, looked at from outside. */
export interface ObservedServer {
  readonly pid: number;
  readonly workerPids: readonly number[];
  readonly url: string;
  readonly ordersUrl: string;
  readonly origin: string;
  holdings(): Promise<Holdings>;
  /** Recordings that go on, or are not stored yet. */
  recordings(): Promise<number>;
  /**
   * What the media server uses of its memory once garbage is collected, its resident memory after that, and that of each worker, in MB. Between two collections the
   * media server's goes up and down by half, which would hide what grows.
   */
  memoryMb(): Promise<number[]>;
  cpuUs(): CpuTimes;
  end(): Promise<void>;
}

export async function startObservedServer(
  options: Omit<ServerOrder & { kind: 'start' }, 'kind'>,
): Promise<ObservedServer> {
  const server = startAsked<ServerOrder>('soak/server-process.ts', GATEWAY_CORE);
  const { port } = started.parse(await server.ask({ kind: 'start', ...options }));
  const count = async () => census.parse(await server.ask({ kind: 'census' }));
  const { pid } = server;
  const workerPids = (await count()).workers.map((one) => one.pid).toSorted((a, b) => a - b);
  const origin = `http://127.0.0.1:${port}`;
  return {
    pid,
    workerPids,
    origin,
    url: `ws://127.0.0.1:${port}/media`,
    ordersUrl: `${origin}/orders`,
    async holdings() {
      const { workers, rooms, participants } = await count();
      const children = processTree(pid).length - 1;
      return {
        server: { ...openFilesOf(pid), rooms, participants, children },
        workers: workers
          .map((one) => ({ ...one, ...openFilesOf(one.pid) }))
          .toSorted((a, b) => a.pid - b.pid),
      };
    },
    recordings: async () => (await count()).recordings,
    async memoryMb() {
      const { usedMb } = collected.parse(await server.ask({ kind: 'collect' }));
      return [usedMb, ...[pid, ...workerPids].map(rssMbOf)];
    },
    cpuUs: () => cpuTimesOf(pid, workerPids),
    end: server.end,
  };
}

function cpuTimesOf(pid: number, workerPids: readonly number[]): CpuTimes {
  const mainThread = threadCpuUsOf(pid);
  const others = processTree(pid).filter((one) => one !== pid && !workerPids.includes(one));
  const livingMs = others.reduce((sum, one) => sum + (findCpuMsOf(one) ?? 0), 0);
  return {
    mainThread,
    otherThreads: Math.max(0, cpuMsOf(pid) * 1_000 - mainThread),
    workers: workerPids.reduce((sum, one) => sum + threadCpuUsOf(one), 0),
    ffmpeg: (livingMs + endedChildrenCpuMsOf(pid)) * 1_000,
  };
}

/** Null where it has just ended, and is among its parent's. */
function findCpuMsOf(pid: number): number | null {
  try {
    return cpuMsOf(pid);
  } catch {
    return null;
  }
}
