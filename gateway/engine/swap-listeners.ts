import type { Engine } from './engine.ts';

/** Those who are told of every swap, after it. */
export function createSwapListeners() {
  const listeners = new Set<(engine: Engine) => void>();
  const onSwap: Engine['onSwap'] = (listener) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  const tell = (engine: Engine) => {
    for (const listener of listeners) listener(engine);
  };
  return { onSwap, tell };
}
