import type { ServerResponse } from 'node:http';

/** Milliseconds that whoever asks is still going to wait. A duration, because the clocks of two machines differ. */
export const DEADLINE_HEADER = 'x-veza-deadline-ms';

/** `setTimeout`'s own limit; whoever waits that long waits for ever. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Aborts what is done for a request once its caller has gone, or waits no longer by what its deadline header says. */
export function callerSignal(response: ServerResponse, deadline: string | undefined): AbortSignal {
  const aborted = new AbortController();
  const leftMs = deadline !== undefined && /^\d{1,10}$/.test(deadline) ? Number(deadline) : Infinity;
  const timer = leftMs <= MAX_TIMER_MS ? setTimeout(() => aborted.abort(), leftMs) : undefined;
  response.once('close', () => {
    clearTimeout(timer);
    aborted.abort();
  });
  return aborted.signal;
}
