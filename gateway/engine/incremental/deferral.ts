import type { Deferral, ResponseError } from '../plan/execution.ts';

/** The parts of one answer that were put off, and how far their plans are. */
export interface DeferralState extends Deferral {
  isRunning(label: string): boolean;
  /** What went wrong in a part's own fetches. */
  errorsOf(label: string): readonly ResponseError[];
  /** Resolves when a part that runs now has ended. */
  settled(): Promise<void>;
  /** Resolves when none runs any more. */
  over(): Promise<void>;
}

export function createDeferral(): DeferralState {
  const fetches = new Map<string, PromiseWithResolvers<void>>();
  const running = new Map<string, Promise<void>>();
  const failures = new Map<string, readonly ResponseError[]>();
  return {
    fetched(id) {
      let fetch = fetches.get(id);
      if (!fetch) fetches.set(id, (fetch = Promise.withResolvers()));
      return fetch;
    },
    add(label, done) {
      const end = async () => {
        failures.set(label, await done);
        running.delete(label);
      };
      running.set(label, end());
    },
    isRunning: (label) => running.has(label),
    errorsOf: (label) => failures.get(label) ?? [],
    settled: () => Promise.race(running.values()),
    async over() {
      while (running.size > 0) await Promise.race(running.values());
    },
  };
}
