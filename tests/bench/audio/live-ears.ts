import type { Page } from 'playwright-core';
import { z } from 'zod';
import { HEARD } from '../../browser/live-page-driver.ts';
import type { LiveUser } from '../../browser/live-platform.ts';

/** Looks at what the page shows; the page itself measures ten times a second. */
const LOOK_MS = 10;
/** What is heard for so long goes on. */
const STEADY_MS = 2_000;
/** A fault that was not noticed by then will not be. */
const UNNOTICED_MS = 6_000;
/** Packets come every 20 ms; a busy machine looks late. */
const BREAK_MS = 150;

const changes = z.array(z.object({ atMs: z.number(), audible: z.boolean() }));

const rowOf = ({ participantId }: LiveUser) => `li[data-participant-id="${participantId}"]`;

/** Joins from the lobby, once what was heard before is not shown any more; resolves with the time until the speaker is heard, in ms. */
export const joinAndHear = (page: Page, speaker: LiveUser): Promise<number> =>
  page.evaluate(
    ([row, heard, lookMs]) =>
      new Promise<number>((resolve) => {
        let startMs: number | null = null;
        const look = setInterval(() => {
          const isHeard = Number(document.querySelector(row)?.getAttribute('data-level') ?? 0) > heard;
          if (startMs === null && !isHeard) {
            startMs = performance.now();
            document.querySelector<HTMLButtonElement>('#join')?.click();
          } else if (startMs !== null && isHeard) {
            clearInterval(look);
            resolve(performance.now() - startMs);
          }
        }, lookMs);
      }),
    [rowOf(speaker), HEARD, LOOK_MS] as const,
  );

/**
 * Follows from now on whether the speaker can be heard, on a page with `watchPeerConnections`: loud enough, and packets keep coming. The latter because a browser makes up what is missing
 * for a while.
 */
export async function listenTo(page: Page, speaker: LiveUser) {
  const heard = await page.evaluateHandle(
    ([row, heard, lookMs, breakMs]) => {
      const seen: { atMs: number; audible: boolean }[] = [];
      const last = { packets: 0, atMs: 0 };
      const countPackets = async () => {
        const open = globalThis.peerConnections.filter(({ connectionState }) => connectionState !== 'closed');
        const reports = await Promise.all(open.map((one) => one.getStats()));
        return reports
          .flatMap((report) => [...report.values()])
          .reduce(
            (sum, { type, packetsReceived }) => sum + (type === 'inbound-rtp' ? packetsReceived : 0),
            0,
          );
      };
      const look = async () => {
        const packets = await countPackets();
        if (packets !== last.packets) Object.assign(last, { packets, atMs: Date.now() });
        const isLoud = Number(document.querySelector(row)?.getAttribute('data-level') ?? 0) > heard;
        const audible = isLoud && Date.now() - last.atMs < breakMs;
        if (seen.at(-1)?.audible !== audible) seen.push({ atMs: Date.now(), audible });
        setTimeout(() => void look(), lookMs);
      };
      void look();
      return seen;
    },
    [rowOf(speaker), HEARD, LOOK_MS, BREAK_MS] as const,
  );
  /**
   * Of a fault at `sinceMs` (Unix time): how long after it the speaker could be heard again, and went on, in ms; 0 where it could not be noticed.
   * Resolves once that is certain.
   */
  const heardAgainAfter = async (sinceMs: number): Promise<number> => {
    await page.waitForFunction(
      ([seen, sinceMs, steadyMs, unnoticedMs]) => {
        const last = seen.at(-1);
        const isNoticed = seen.some(({ atMs, audible }) => !audible && atMs >= sinceMs);
        if (!last?.audible || (!isNoticed && Date.now() - sinceMs < unnoticedMs)) return false;
        return Date.now() - last.atMs > steadyMs;
      },
      [heard, sinceMs, STEADY_MS, UNNOTICED_MS] as const,
    );
    const all = changes.parse(await heard.jsonValue());
    return Math.max(0, (all.at(-1)?.atMs ?? 0) - sinceMs);
  };
  /** Resolves once the speaker is heard, and goes on. */
  const steady = async () => void (await heardAgainAfter(Date.now() - UNNOTICED_MS));
  return { heardAgainAfter, steady };
}

/** The SRTP profiles that the page's connections use, as Chromium names them. */
export async function srtpCiphersOf(page: Page): Promise<string[]> {
  const found = await page.evaluate(async () => {
    const open = globalThis.peerConnections.filter(({ connectionState }) => connectionState === 'connected');
    const reports = await Promise.all(open.map((one) => one.getStats()));
    return reports.flatMap((report) =>
      [...report.values()].flatMap(({ type, srtpCipher }) => (type === 'transport' ? [srtpCipher] : [])),
    );
  });
  return z.array(z.string()).parse(found);
}
