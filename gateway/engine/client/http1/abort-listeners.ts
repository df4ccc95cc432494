/** Told once of an abort. */
export interface AbortListener {
  onAbort(): void;
}

const listenersOf = new WeakMap<AbortSignal, Set<AbortListener>>();

/**
 * Listens to a signal that many do, one after the other: all fetches of a request share its signal, which is given one listener here instead of
 * one for each of them. The signal must not be aborted yet.
 */
export function listenToAbort(signal: AbortSignal, listener: AbortListener): void {
  let listeners = listenersOf.get(signal);
  if (!listeners) listenersOf.set(signal, (listeners = listenAll(signal)));
  listeners.add(listener);
}

export function ignoreAbort(signal: AbortSignal, listener: AbortListener): void {
  listenersOf.get(signal)?.delete(listener);
}

function listenAll(signal: AbortSignal): Set<AbortListener> {
  const listeners = new Set<AbortListener>();
  const tell = () => {
    for (const listener of listeners) listener.onAbort();
  };
  signal.addEventListener('abort', tell, { once: true });
  return listeners;
}
