import { messageOf } from '#platform/errors.ts';
import { createLiveQueue, type LiveQueue } from '#platform/events/live-queue.ts';
import type { LiveSubscription } from '#platform/events/ports.ts';
import type { Log } from '#platform/log.ts';

/** A number that is read again when a hint says that it may have changed, and sent on where it has. */
export interface CounterFeed<E> {
  /** The last number at once, then each change; the newest only for a slow reader. `onEnd` runs once, when the watcher leaves or the feed ends. */
  watch(onEnd: () => void): LiveSubscription<E>;
  /** Ends every watcher. */
  close(): void;
}

export interface Counter<E> {
  /** Null ends the feed: there is nothing to count any more. */
  readonly read: () => Promise<number | null>;
  readonly toEvent: (value: number) => E;
  /** What opening throws where there is nothing to count from the start. */
  readonly refusal: () => Error;
}

export interface CounterFeedDeps<E> extends Counter<E> {
  /** Hints: what they hold does not matter. */
  readonly subscribe: () => Promise<LiveSubscription>;
  readonly log: Log;
}

export const MIN_PAUSE_MS = 1_000;
/** Hints can be lost, and some numbers fall by themselves as time passes. */
export const RECHECK_MS = 10_000;

/** Resolves once hints are followed and the first number is known. */
export async function openCounterFeed<E>(deps: CounterFeedDeps<E>): Promise<CounterFeed<E>> {
  const hints = await deps.subscribe();
  try {
    const value = await deps.read();
    if (value === null) throw deps.refusal();
    return startFeed(deps, hints, value);
  } catch (error) {
    await hints.return();
    throw error;
  }
}

function startFeed<E>(deps: CounterFeedDeps<E>, hints: LiveSubscription, first: number): CounterFeed<E> {
  const watchers = new Set<LiveQueue<E>>();
  let last = deps.toEvent(first);
  let value = first;
  let closed = false;
  const pacer = createPacer(async () => {
    const next = await deps.read();
    if (next === null) return close();
    if (next === value) return;
    value = next;
    last = deps.toEvent(next);
    for (const watcher of watchers) watcher.push(last);
  }, deps.log);

  const close = () => {
    closed = true;
    pacer.stop();
    void hints.return();
    for (const watcher of watchers) watcher.end();
  };

  void followHints(hints, pacer.hurry);
  return {
    close,
    watch(onEnd) {
      const queue = createLiveQueue<E>(() => {
        watchers.delete(queue);
        onEnd();
      }, 1);
      watchers.add(queue);
      queue.push(last);
      // It may have ended while this watcher waited for it.
      if (closed) queue.end();
      return queue;
    },
  };
}

async function followHints(hints: LiveSubscription, onHint: () => void): Promise<void> {
  for await (const hint of hints) {
    void hint;
    onHint();
  }
}

/** Runs `step` soon after `hurry`, never twice within a second, and at the latest after ten seconds. */
function createPacer(step: () => Promise<void>, log: Log): { hurry: () => void; stop: () => void } {
  let stopped = false;
  let hinted = false;
  // A hint may overtake the commit that it announces, so after the step that follows a hint comes one more.
  let again = false;
  let earliestMs = Date.now() + MIN_PAUSE_MS;
  let timer: NodeJS.Timeout | undefined;

  const wait = (ms: number) => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(run, ms);
  };

  const run = async () => {
    again = hinted;
    hinted = false;
    earliestMs = Number.POSITIVE_INFINITY;
    try {
      await step();
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'live counter not read, will be tried again');
    }
    earliestMs = Date.now() + MIN_PAUSE_MS;
    wait(again || hinted ? MIN_PAUSE_MS : RECHECK_MS);
  };

  wait(RECHECK_MS);
  return {
    hurry() {
      hinted = true;
      // While a step runs it is remembered; that step's end plans the next one.
      if (Number.isFinite(earliestMs)) wait(Math.max(0, earliestMs - Date.now()));
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
