import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

export type PressureKind = 'heap' | 'event-loop';

export interface PressureLimits {
  /** Of V8's limit, 0–1. */
  readonly maxHeapRatio: number;
  readonly maxEventLoopLagMs: number;
}

/** How much there is, for the decision above it. */
export interface Load {
  readonly heapRatio: number;
  /** The longest that the event loop was late since the load was last read. */
  readonly eventLoopLagMs: number;
}

export interface Pressure {
  /** What there is too much of; null where all is well. */
  now(): PressureKind | null;
  close(): void;
}

const SAMPLE_EVERY_MS = 250;
const RESOLUTION_MS = 20;

/** Watches memory and event loop. The load is looked at a few times a second, so that asking costs nothing. */
export function watchPressure(limits: PressureLimits): Pressure {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  let kind: PressureKind | null = null;
  let last: PressureKind | null = null;
  const timer = setInterval(() => {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    // The histogram holds whole intervals, in nanoseconds.
    const eventLoopLagMs = Math.max(0, delay.max / 1e6 - RESOLUTION_MS);
    delay.reset();
    const judged = judge({ heapRatio: used / limit, eventLoopLagMs }, limits);
    // Twice in a row: one long step, such as a change of supergraph, or garbage about to be collected, is no lasting pressure.
    kind = judged === last ? judged : null;
    last = judged;
  }, SAMPLE_EVERY_MS).unref();
  return {
    now: () => kind,
    close() {
      clearInterval(timer);
      delay.disable();
    },
  };
}

export function judge({ heapRatio, eventLoopLagMs }: Load, limits: PressureLimits): PressureKind | null {
  if (heapRatio > limits.maxHeapRatio) return 'heap';
  return eventLoopLagMs > limits.maxEventLoopLagMs ? 'event-loop' : null;
}
