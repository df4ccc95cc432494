import { setImmediate } from 'node:timers/promises';
import type { Clock } from '#platform/events/coalesce.ts';

export interface ManualClock extends Clock {
  /** Lets time pass, timers ring in their order, and everything settle that waits for no other time. */
  advance(ms: number): Promise<void>;
  /** How many timers are set. */
  timers(): number;
}

/** Time that passes when a test says so. */
export function manualClock(): ManualClock {
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  let nowMs = 0;
  const nextDue = (untilMs: number) => {
    const [first] = [...timers].filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs);
    return first;
  };
  return {
    nowMs: () => nowMs,
    after(ms, run) {
      const timer = { atMs: nowMs + ms, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(ms) {
      const untilMs = nowMs + ms;
      await setImmediate();
      for (let due = nextDue(untilMs); due; due = nextDue(untilMs)) {
        timers.delete(due);
        nowMs = Math.max(nowMs, due.atMs);
        due.run();
        await setImmediate();
      }
      nowMs = untilMs;
    },
    timers: () => timers.size,
  };
}
