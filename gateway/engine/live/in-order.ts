/** Runs work side by side, and hands out what it comes to in the order in which it was begun. */
export interface InOrder<T> {
  /** Resolves once there is room for more. `work` must not reject. */
  add(work: Promise<T>): Promise<void>;
  /** Resolves when all that was added is handed out. */
  settled(): Promise<void>;
}

export function createInOrder<T>(maxRunning: number, handOut: (done: T) => Promise<void> | void): InOrder<T> {
  let tail: Promise<void> = Promise.resolve();
  let running = 0;
  let room: PromiseWithResolvers<void> | null = null;
  const inTurn = async (before: Promise<void>, work: Promise<T>) => {
    const done = await work;
    await before;
    await handOut(done);
    running -= 1;
    room?.resolve();
    room = null;
  };
  return {
    async add(work) {
      running += 1;
      tail = inTurn(tail, work);
      if (running >= maxRunning) await (room ??= Promise.withResolvers()).promise;
    },
    settled: () => tail,
  };
}
