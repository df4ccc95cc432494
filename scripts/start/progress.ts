/** Tells a person at a terminal what a start is doing, and for how long. */
export interface Progress {
  /** Runs a step and prints its name with how long it took; while it runs, a line every few seconds says that it still does. */
  step<T>(name: string, run: () => Promise<T>): Promise<T>;
}

const STILL_RUNNING_MS = 3_000;

export function createProgress(write: (line: string) => void): Progress {
  return {
    async step(name, run) {
      const startedAt = performance.now();
      const seconds = () => ((performance.now() - startedAt) / 1_000).toFixed(1);
      const timer = setInterval(() => write(`  … ${name}, ${seconds()} s so far`), STILL_RUNNING_MS);
      try {
        const result = await run();
        write(`  ✓ ${name} (${seconds()} s)`);
        return result;
      } catch (error) {
        write(`  ✗ ${name} failed after ${seconds()} s`);
        throw error;
      } finally {
        clearInterval(timer);
      }
    },
  };
}
