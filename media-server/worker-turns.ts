/** Calls `request` once it is its turn; settles as it does. */
export type InTurn = <T>(request: () => Promise<T>) => Promise<T>;

/**
 * Lets no more than `atOnce` requests be under way, first come first served. What a request relies on may have changed by the time of its turn:
 * mediasoup refuses what is closed meanwhile.
 */
export function createTurns(atOnce: number): InTurn {
  const waiting: (() => void)[] = [];
  let free = atOnce;
  const take = async () => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  // Handed on rather than freed, so that nobody gets between.
  const giveBack = () => {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  };
  return async (request) => {
    await take();
    try {
      return await request();
    } finally {
      giveBack();
    }
  };
}
