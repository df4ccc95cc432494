import {
  RealtimeError,
  type RealtimeClient,
  type RealtimeSubscription,
} from '../../../clients/realtime/realtime-client.ts';
import { SignInNeeded } from './session.client.ts';

export interface FollowedLog<S> {
  /** The state as the platform has it now; null where there is none for this visitor. */
  readonly load: () => Promise<S | null>;
  readonly document: string;
  /** Variables that continue behind the state. */
  readonly variables: (state: S) => Record<string, unknown>;
  /** The state after an event; null where it has to be loaded anew. */
  readonly after: (state: S, event: unknown) => S | null;
  readonly onState: (state: S) => void;
  /** Following is over: words for a person, or null where there is nothing more to come. */
  readonly onEnd: (problem: string | null) => void;
}

const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 10_000;

/** Loads a state and keeps it as events say, until `stop` is called or the log ends. */
export function followLog<S>(realtime: RealtimeClient, log: FollowedLog<S>): { stop(): void } {
  const ending = new AbortController();
  const { signal } = ending;
  let subscription: RealtimeSubscription<Record<string, unknown>> | null = null;

  /** Whether to load anew. */
  const follow = async (first: S): Promise<boolean> => {
    let state = first;
    log.onState(state);
    subscription = realtime.subscribe(log.document, log.variables(state));
    for await (const { data } of subscription) {
      const [event] = Object.values(data ?? {});
      // Of an event that could not be told nobody knows what it changed.
      const next = event === null || event === undefined ? null : log.after(state, event);
      if (signal.aborted) return false;
      if (next === null) return true;
      state = next;
      log.onState(state);
    }
    return false;
  };

  const run = async (): Promise<void> => {
    for (let failures = 0; !signal.aborted;) {
      try {
        const state = await log.load();
        if (signal.aborted) return;
        failures = 0;
        if (state === null || !(await follow(state))) return end(null);
      } catch (error) {
        if (error instanceof RealtimeError || error instanceof SignInNeeded) return end(error.message);
        await delay(Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** failures++));
      }
    }
  };
  const end = (problem: string | null): void => {
    if (!signal.aborted) log.onEnd(problem);
    ending.abort();
  };
  void run();
  return {
    stop() {
      ending.abort();
      void subscription?.return();
    },
  };
}

const delay = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
