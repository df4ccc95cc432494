import { z } from 'zod';
import { LOAD_CORE } from '../../gateway/processes.ts';
import { startAsked } from '../asked-process.ts';
import type { CrowdOrder } from '../orders.ts';
import type { ObservedServer } from './observed-server.ts';

const opened = z.object({ liveRoomIds: z.array(z.string()) });
const report = z.object({
  people: z.number(),
  speaking: z.number(),
  joins: z.number(),
  iceRestarts: z.number(),
  received: z.number(),
  opened: z.number(),
  /** Packets that are missing in what listeners got. */
  lost: z.number(),
  /** Packets that came too fast for the crowd's own sockets: they are among those lost. */
  dropped: z.number(),
  /** People who do not hear somebody who speaks. */
  unheard: z.number(),
  /** The most that a speaker was late, in ms. */
  latestMs: z.number(),
  faults: z.array(z.string()),
});
export type CrowdReport = z.infer<typeof report>;

/** People in live rooms, in a process of its own. */
export interface Crowd {
  readonly liveRoomIds: readonly string[];
  live(): Promise<void>;
  report(): Promise<CrowdReport>;
  /** Everybody leaves; resolves once all have. */
  empty(): Promise<void>;
  end(): Promise<void>;
}

export type CrowdSize = Pick<
  CrowdOrder & { kind: 'open' },
  'seed' | 'rooms' | 'speakers' | 'listeners' | 'sound'
>;

/** Resolves once everybody has entered. */
export async function openCrowd({ url, ordersUrl }: ObservedServer, size: CrowdSize): Promise<Crowd> {
  const crowd = startAsked<CrowdOrder>('soak/crowd-process.ts', LOAD_CORE);
  const { liveRoomIds } = opened.parse(await crowd.ask({ kind: 'open', url, ordersUrl, ...size }));
  return {
    liveRoomIds,
    live: async () => void (await crowd.ask({ kind: 'live' })),
    report: async () => report.parse(await crowd.ask({ kind: 'report' })),
    empty: async () => void (await crowd.ask({ kind: 'empty' })),
    end: crowd.end,
  };
}
