import type { Log } from '#platform/log.ts';

/** So often is the log told how many requests were refused. */
export const SUMMARY_EVERY_MS = 10_000;

/** Keeps the log from growing with the load that is refused: a line for each request would be more work at the worst moment. */
export interface ShedLog {
  /** To be asked once for each request that is refused. True: it gets a line of its own. The others are summed up. */
  isFirst(reason: string): boolean;
  /** Logs the sum of what was refused since the last one. */
  close(): void;
}

/** The first request that is refused has a line of its own, and so has the first one after an interval without any. */
export function createShedLog(log: Log): ShedLog {
  const reasons = new Map<string, number>();
  let timer: NodeJS.Timeout | null = null;
  let sinceMs = 0;
  const sumUp = () => {
    if (timer) clearTimeout(timer);
    timer = null;
    if (reasons.size === 0) return false;
    const requests = [...reasons.values()].reduce((sum, count) => sum + count, 0);
    const withinMs = Math.round(performance.now() - sinceMs);
    log.warn({ requests, reasons: Object.fromEntries(reasons), withinMs }, 'more requests refused');
    reasons.clear();
    return true;
  };
  const wait = () => {
    sinceMs = performance.now();
    timer = setTimeout(() => void (sumUp() && wait()), SUMMARY_EVERY_MS).unref();
  };
  return {
    isFirst(reason) {
      if (timer) {
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
        return false;
      }
      wait();
      return true;
    },
    close: () => void sumUp(),
  };
}
