export type Random = () => number;

/** An integer from 0 to below `limit`. */
export const below = (random: Random, limit: number): number => Math.floor(random() * limit);

export const chance = (random: Random, share: number): boolean => random() < share;

export function among<T>(random: Random, list: readonly T[]): T {
  const item = list[below(random, list.length)];
  if (item === undefined) throw new Error('nothing to choose from');
  return item;
}
