import { createSlidingWindow } from './sliding-window.ts';

export type BreakerState = 'closed' | 'half-open' | 'open';
export type Outcome = 'success' | 'failure' | 'unknown';

export interface BreakerOptions {
  readonly windowMs: number;
  /** Share of failures in the window, 0–1, from which on nothing is sent. */
  readonly failureRatio: number;
  /** Below this many requests in the window their share says nothing. */
  readonly minimumRequests: number;
  readonly openMs: number;
  /** Requests let through at once when `openMs` is over; when all of them succeed, everything goes through again. */
  readonly halfOpenProbes: number;
  readonly onState?: (state: BreakerState) => void;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

/** Whether a request may go. Whoever may must say how it went, once. */
export type Pass =
  | { readonly isOpen: false; readonly settle: (outcome: Outcome) => void }
  | { readonly isOpen: true; readonly retryAfterMs: number };

export interface Breaker {
  pass(): Pass;
}

export function createBreaker(options: BreakerOptions): Breaker {
  const { windowMs, failureRatio, minimumRequests, openMs, halfOpenProbes, onState } = options;
  const { now = () => performance.now() } = options;
  const window = createSlidingWindow(windowMs, now);
  let state: BreakerState = 'closed';
  let openedAtMs = 0;
  let probes = { running: 0, succeeded: 0 };
  const turn = (next: BreakerState) => {
    state = next;
    window.clear();
    probes = { running: 0, succeeded: 0 };
    if (next === 'open') openedAtMs = now();
    onState?.(next);
  };
  const judge = () => {
    const { total, failures } = window.outcomes();
    if (total >= minimumRequests && failures / total >= failureRatio) turn('open');
  };
  const settleProbe = (outcome: Outcome) => {
    probes.running -= 1;
    if (outcome === 'failure') return turn('open');
    if (outcome === 'success') probes.succeeded += 1;
    if (probes.succeeded >= halfOpenProbes) turn('closed');
  };
  return {
    pass() {
      if (state === 'open' && now() - openedAtMs >= openMs) turn('half-open');
      if (state === 'open') return { isOpen: true, retryAfterMs: Math.ceil(openedAtMs + openMs - now()) };
      const isProbe = state === 'half-open';
      if (isProbe) {
        const free = halfOpenProbes - probes.running - probes.succeeded;
        if (free <= 0) return { isOpen: true, retryAfterMs: openMs };
        probes.running += 1;
      }
      const mine = probes;
      const settle = (outcome: Outcome) => {
        // What began under an earlier state says nothing about the present one.
        if (mine !== probes) return;
        if (isProbe) return settleProbe(outcome);
        if (outcome === 'unknown') return;
        window.record(outcome === 'failure');
        if (outcome === 'failure') judge();
      };
      return { isOpen: false, settle };
    },
  };
}
