import { AsyncLocalStorage } from 'node:async_hooks';
import type { TraceHeaders } from './trace-context.ts';
import type { Tracing } from './tracing.ts';

/** Work that is recorded, for what is called deep within it, by libraries that pass nothing on. */
export interface TracedWork {
  readonly tracing: Tracing;
  /** The position below which its parts stand. */
  readonly headers: TraceHeaders;
}

const current = new AsyncLocalStorage<TracedWork & { isOver: boolean }>();

/**
 * Runs what is recorded; what is not is run as it is, without any of this. What `run` leaves behind, such as the stream of a subscription, is no
 * part of it any more once it has ended.
 */
export function runTraced<T>(work: TracedWork, run: () => Promise<T>): Promise<T> {
  const entered = { ...work, isOver: false };
  return current.run(entered, async () => {
    try {
      return await run();
    } finally {
      entered.isOver = true;
    }
  });
}

/** The recorded work that this is a part of, if any. */
export function tracedWork(): TracedWork | null {
  const work = current.getStore();
  return work && !work.isOver ? work : null;
}
