import { messageOf } from '#platform/errors.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import type { Log } from '#platform/log.ts';
import { REVOKED_SESSIONS_TOPIC, revokedSession } from '#platform/revoked-sessions.ts';

/** Revocations are remembered this long, so that no token may live longer. */
export const REMEMBER_MS = 24 * 60 * 60_000;

const POLL_MS = 5_000;
const RETRY_MS = 1_000;
/** Clocks of two machines differ, and a transaction may become visible after its own timestamp. */
const OVERLAP_MS = 30_000;

export interface RevocationSources {
  /** Tells at once, but may lose messages. */
  readonly liveBus?: LiveBus;
  /** Sessions revoked at or after an instant; asked every five seconds, so that a lost message costs no more than that. */
  readonly revokedSessions?: (sinceMs: number) => Promise<readonly { sessionId: string }[]>;
}

export interface Revocations {
  has(sessionId: string): boolean;
  onRevoked(listener: (sessionId: string) => void): () => void;
  close(): Promise<void>;
}

export interface RevocationOptions extends RevocationSources {
  readonly log: Log;
  readonly pollMs?: number;
  readonly now?: () => number;
}

/** Learns which sessions are over, and remembers them for `REMEMBER_MS`. */
export function watchRevocations(options: RevocationOptions): Revocations {
  const { liveBus, revokedSessions, log, pollMs = POLL_MS, now = Date.now } = options;
  const seenAtMs = new Map<string, number>();
  const listeners = new Set<(sessionId: string) => void>();
  const stopping = new AbortController();

  const add = (sessionId: string) => {
    if (seenAtMs.has(sessionId)) return;
    forgetOld();
    seenAtMs.set(sessionId, now());
    for (const listener of listeners) listener(sessionId);
  };
  const forgetOld = () => {
    // A Map iterates in the order of insertion: the oldest come first.
    for (const [sessionId, atMs] of seenAtMs) {
      if (now() - atMs <= REMEMBER_MS + OVERLAP_MS) return;
      seenAtMs.delete(sessionId);
    }
  };

  const running = [
    liveBus && follow(liveBus, add, stopping.signal, log),
    revokedSessions && poll({ revokedSessions, add, now, pollMs, signal: stopping.signal, log }),
  ];
  return {
    has: (sessionId) => seenAtMs.has(sessionId),
    onRevoked(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

async function follow(
  liveBus: LiveBus,
  add: (sessionId: string) => void,
  signal: AbortSignal,
  log: Log,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const subscription = await liveBus.subscribe(REVOKED_SESSIONS_TOPIC);
      const stop = () => void subscription.return();
      signal.addEventListener('abort', stop);
      if (signal.aborted) stop();
      for await (const payload of subscription) {
        const parsed = revokedSession.safeParse(payload);
        if (parsed.success) add(parsed.data.sessionId);
      }
      signal.removeEventListener('abort', stop);
    } catch (error) {
      log.warn({ err: messageOf(error) }, 'revoked sessions cannot be followed live');
    }
    await pause(RETRY_MS, signal);
  }
}

interface Polling extends Required<Pick<RevocationSources, 'revokedSessions'>> {
  readonly add: (sessionId: string) => void;
  readonly now: () => number;
  readonly pollMs: number;
  readonly signal: AbortSignal;
  readonly log: Log;
}

async function poll({ revokedSessions, add, now, pollMs, signal, log }: Polling): Promise<void> {
  let sinceMs = now() - REMEMBER_MS;
  while (!signal.aborted) {
    try {
      const startedAtMs = now();
      for (const { sessionId } of await revokedSessions(sinceMs)) add(sessionId);
      sinceMs = startedAtMs - OVERLAP_MS;
    } catch (error) {
      log.warn({ err: messageOf(error) }, 'revoked sessions cannot be asked for');
    }
    await pause(pollMs, signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
