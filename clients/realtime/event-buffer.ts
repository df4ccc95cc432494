import type { FormattedExecutionResult } from 'graphql';
import type { RealtimeError } from './realtime-error.ts';
import type { Sink } from './transport.ts';

/** What comes next of a subscription. `full`: it was let go, since its reader is too slow, and can be taken up again now. */
export type Arrival<Data> =
  | { readonly kind: 'result'; readonly result: FormattedExecutionResult<Data> }
  | { readonly kind: 'failed'; readonly error: RealtimeError }
  | { readonly kind: 'completed' }
  | { readonly kind: 'full' };

/** Results that came faster than they were taken. */
export interface EventBuffer<Data> {
  /** What came first; resolves once there is anything. How it ended comes last, and again and again. For one reader. */
  next(): Promise<Arrival<Data>>;
  /** Lets the subscription go; `next` then tells of nothing but its completion. */
  stop(): void;
}

/**
 * Neither a WebSocket nor graphql-sse can be told to wait. A full buffer therefore lets the subscription go: the log of the server keeps what
 * follows, and the memory of a slow reader is bounded.
 */
export function openBuffer<Data>(
  open: (sink: Sink<Data>) => () => void,
  maxEvents: number,
): EventBuffer<Data> {
  let arrived: Arrival<Data>[] = [];
  let ending: Arrival<Data> | null = null;
  let taker: (() => void) | null = null;
  const end = (how: Arrival<Data>) => {
    ending ??= how;
    taker?.();
  };
  const letGo = open({
    next(result) {
      if (ending) return;
      arrived.push({ kind: 'result', result });
      taker?.();
      if (arrived.length < maxEvents) return;
      end({ kind: 'full' });
      letGo();
    },
    failed: (error) => end({ kind: 'failed', error }),
    completed: () => end({ kind: 'completed' }),
  });
  return {
    async next() {
      if (arrived.length === 0 && !ending) await new Promise<void>((resolve) => (taker = resolve));
      return arrived.shift() ?? ending ?? { kind: 'completed' };
    },
    stop() {
      arrived = [];
      ending = { kind: 'completed' };
      letGo();
      taker?.();
    },
  };
}
