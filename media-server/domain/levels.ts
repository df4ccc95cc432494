/** Below this a producer counts as silent, in dBov (0 is full scale). */
export const SILENCE_DBOV = -70;

/** Audio level from 0 (silence) to 1 (full scale), linear in dB, with two decimals. */
export function levelOfDbov(dbov: number): number {
  const level = (dbov - SILENCE_DBOV) / -SILENCE_DBOV;
  return Math.round(Math.min(1, Math.max(0, level)) * 100) / 100;
}
