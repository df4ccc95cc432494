import { CodedError, messageOf } from '#platform/errors.ts';
import { CoalescingQueue } from '#platform/events/coalesce.ts';
import type { LiveSubscription } from '#platform/events/ports.ts';
import type { Log } from '#platform/log.ts';
import { SUBJECT_CHANGED } from '../domain/live-counter.ts';

/** A number that is read again when a hint says that it may have changed, and sent on where it has. */
export interface CounterFeed<E> {
  /** The last number at once, then the newest, at most once a second. `onEnd` runs once, when the watcher leaves or the feed ends. */
  watch(onEnd: () => void): LiveSubscription<E>;
  /** Ends every watcher, with SERVICE_UNAVAILABLE. */
  close(): void;
}

export interface Counter<E> {
  /** Null where there is nothing to count (any more), or not for everyone. */
  readonly read: () => Promise<number | null>;
  readonly toEvent: (value: number) => E;
  /** What opening throws where there is nothing to count from the start. */
  readonly refusal: () => Error;
  /** What watchers get when it is no longer there. */
  readonly loss: () => Error;
}

export interface CounterFeedDeps<E> extends Counter<E> {
  /** Hints, as domain/live-counter.ts tells them. */
  readonly subscribe: () => Promise<LiveSubscription>;
  readonly log: Log;
}

export const MIN_PAUSE_MS = 1_000;
/** Hints can be lost, and some numbers fall by themselves as time passes. */
export const RECHECK_MS = 5_000;

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
  const watchers = new Set<CoalescingQueue<E>>();
  let last = deps.toEvent(first);
  let value = first;
  let ending: Error | null = null;
  const pacer = createPacer(async () => {
    const next = await deps.read();
    if (next === null) return close(deps.loss());
    if (next === value) return;
    value = next;
    last = deps.toEvent(next);
    for (const watcher of watchers) watcher.push(last);
  }, deps.log);

  const close = (reason: Error) => {
    if (ending) return;
    ending = reason;
    pacer.stop();
    void hints.return();
    for (const watcher of watchers) watcher.fail(reason);
  };

  void followHints(hints, pacer);
  return {
    close: () => close(new CodedError('SERVICE_UNAVAILABLE', 'The service is about to shut down.')),
    watch(onEnd) {
      const queue = new CoalescingQueue<E>({ gapMs: MIN_PAUSE_MS }, () => {
        watchers.delete(queue);
        onEnd();
      });
      watchers.add(queue);
      queue.push(last);
      // It may have ended while this watcher waited for it.
      if (ending) queue.fail(ending);
      return queue;
    },
  };
}

async function followHints(hints: LiveSubscription, pacer: Pacer): Promise<void> {
  for await (const hint of hints) pacer.hurry(hint === SUBJECT_CHANGED);
}

interface Pacer {
  /** There is reason for a step: soon, or at once where that is urgent. */
  hurry(isUrgent: boolean): void;
  stop(): void;
}

/** Runs `step` soon after `hurry`, never twice within a second unless that is urgent, and at the latest after five seconds. */
function createPacer(step: () => Promise<void>, log: Log): Pacer {
  let due: 'sometime' | 'soon' | 'now' = 'sometime';
  let isRunning = false;
  let stopped = false;
  let lastMs = performance.now();
  let timer: NodeJS.Timeout | undefined;

  const plan = () => {
    const pauseMs = { sometime: RECHECK_MS, soon: MIN_PAUSE_MS, now: 0 }[due];
    clearTimeout(timer);
    if (!stopped && !isRunning) timer = setTimeout(run, Math.max(0, lastMs + pauseMs - performance.now()));
  };

  const run = async () => {
    isRunning = true;
    // What is hinted at from here on may be too late for this step.
    due = 'sometime';
    try {
      await step();
    } catch (error) {
      if (due === 'sometime') due = 'soon';
      log.warn({ reason: messageOf(error) }, 'live counter not read, will be tried again');
    }
    isRunning = false;
    lastMs = performance.now();
    plan();
  };

  plan();
  return {
    hurry(isUrgent) {
      if (isUrgent) due = 'now';
      else if (due === 'sometime') due = 'soon';
      plan();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
