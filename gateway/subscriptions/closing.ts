import { setTimeout as pause } from 'node:timers/promises';

const STEPS = 20;

/** Closes them one after the other within `spreadMs`, so that their clients do not all come back at the same moment. */
export async function closeSpread<T>(
  open: Iterable<T>,
  spreadMs: number,
  close: (one: T) => void,
): Promise<void> {
  const waiting = [...open];
  const size = Math.max(1, Math.ceil(waiting.length / STEPS));
  for (let start = 0; start < waiting.length; start += size) {
    for (const one of waiting.slice(start, start + size)) close(one);
    if (start + size < waiting.length) await pause(spreadMs / STEPS);
  }
}
