import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { startAsked } from './asked-process.ts';
import type { ListenersReport } from './listener.ts';
import type { ListenersOrder, SpeakerOrder } from './orders.ts';

/** Sockets that all listeners share; they are told apart by SSRC. */
const SOCKETS = 8;
/** Where nothing has come for so long, nothing more will, however busy the machine is. */
const SETTLED_MS = 3_000;
const ASK_AGAIN_MS = 200;
/** As the kernel writes 127.0.0.1. */
const LOOPBACK = '0100007F';

const figure = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);
const ports = z.object({ ports: z.array(z.number()) });
const said = z.object({ sent: z.number(), latestMs: z.number() });
const report = z.object({
  received: z.number(),
  opened: z.number(),
  lost: z.number(),
  jitterMs: figure,
  delayP50Ms: figure,
  delayP99Ms: figure,
  longestGapMs: figure,
  fault: z.string().nullable(),
});

/** The speaker and the listeners, each a process. */
export interface Load {
  /** Ports at which listeners receive. */
  readonly ports: readonly number[];
  add(listeners: (ListenersOrder & { kind: 'add' })['listeners']): Promise<void>;
  reset(): Promise<void>;
  /** Sends so many packets to that port, 50 a second; resolves once they are sent. */
  speak(port: number, ssrc: number, packets: number): Promise<z.infer<typeof said>>;
  /** Ends what `speak` began. */
  stop(): void;
  /** What arrived since `reset`, once `expected` packets have, or nothing more does. Rejects where one was not as expected. */
  arrived(expected: number): Promise<ListenersReport>;
  /** Packets that came too fast for the listeners, so far: dropped by their sockets, not by the worker. */
  overrun(): number;
  end(): Promise<void>;
}

export async function startLoad(cores: string): Promise<Load> {
  const listeners = startAsked<ListenersOrder>('listeners-process.ts', cores);
  const speaker = startAsked<SpeakerOrder>('speaker-process.ts', cores);
  const open = ports.parse(await listeners.ask({ kind: 'open', sockets: SOCKETS }));
  const reportNow = async () => report.parse(await listeners.ask({ kind: 'report' }));
  return {
    ports: open.ports,
    add: async (added) => void (await listeners.ask({ kind: 'add', listeners: added })),
    reset: async () => void (await listeners.ask({ kind: 'reset' })),
    speak: async (port, ssrc, packets) =>
      said.parse(await speaker.ask({ kind: 'speak', port, ssrc, packets })),
    stop: () => speaker.tell({ kind: 'stop' }),
    async arrived(expected) {
      let last = { received: -1, atMs: 0 };
      for (;;) {
        const now = await reportNow();
        if (now.fault !== null) throw new Error(now.fault);
        if (now.received !== last.received) last = { received: now.received, atMs: performance.now() };
        const isSettled = performance.now() - last.atMs > SETTLED_MS;
        if (now.received >= expected || isSettled) return now;
        await delay(ASK_AGAIN_MS);
      }
    },
    overrun: () => droppedBySockets(open.ports),
    end: async () => void (await Promise.all([listeners.end(), speaker.end()])),
  };
}

/** The last column of /proc/net/udp, of the sockets with these ports. */
export function droppedBySockets(ofPorts: readonly number[]): number {
  return [...dropsByPort(new Set(ofPorts)).values()].reduce((sum, drops) => sum + drops, 0);
}

/** The same by port. */
export function dropsByPort(ofPorts: ReadonlySet<number>): Map<number, number> {
  const rows = readFileSync('/proc/net/udp', 'utf8').trim().split('\n').slice(1);
  const drops = rows
    .map((row) => row.trim().split(/\s+/))
    .flatMap(([, address = '', ...rest]) => {
      const [ip, port = ''] = address.split(':');
      const isOurs = ip === LOOPBACK && ofPorts.has(Number.parseInt(port, 16));
      return isOurs ? [[Number.parseInt(port, 16), Number(rest.at(-1))] as const] : [];
    });
  return new Map(drops);
}
