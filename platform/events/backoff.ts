const BASE_MS = 100;
const MAX_MS = 30_000;

/**
 * How long to wait after failure number `failures` (1, 2, …): doubles from 0.1 s to 30 s. Half of it is random (`random` gives 0 to 1), so that
 * those who failed together do not return together.
 */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const ceilingMs = Math.min(MAX_MS, BASE_MS * 2 ** Math.min(failures - 1, 20));
  return Math.round(ceilingMs / 2 + (random() * ceilingMs) / 2);
}
