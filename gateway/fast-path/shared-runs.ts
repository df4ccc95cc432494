import { grantsKey } from '../engine/authorization/grants.ts';
import type { EngineScope } from '../engine/engine.ts';

/** Emits `close` when the client has its answer, or is gone. */
interface Client {
  once(event: 'close', listener: () => void): unknown;
}

/** One run of an operation, for every client that asks the same while it is under way. */
export interface SharedRun<T> {
  /** What the run comes to. It is aborted when all who joined have gone away. */
  join(client: Client): Promise<T>;
}

export interface SharedRuns<T> {
  find(key: string): SharedRun<T> | undefined;
  /** Begins a run that others find under `key` until it ends. */
  start(key: string, run: (signal: AbortSignal) => Promise<T>): SharedRun<T>;
}

/**
 * Everything that can change an answer: what subgraphs are told about the caller, but for the headers in `ignored`, what the caller may see, and the
 * request. Header values hold no line feed, nor do keys of grants.
 */
export function keyOf(
  { headers, grants }: Pick<EngineScope, 'headers' | 'grants'>,
  ignored: ReadonlySet<string>,
  text: string,
): string {
  let key = `${grantsKey(grants)}\n`;
  for (const name of Object.keys(headers)) if (!ignored.has(name)) key += `${name}:${headers[name]}\n`;
  return `${key}\n${text}`;
}

/** Nothing is kept beyond a run's end. */
export function createSharedRuns<T>(): SharedRuns<T> {
  const running = new Map<string, SharedRun<T>>();
  return {
    find: (key) => running.get(key),
    start(key, run) {
      const controller = new AbortController();
      let waiting = 0;
      let isOver = false;
      const land = () => {
        isOver = true;
        if (running.get(key) === shared) running.delete(key);
      };
      const result = run(controller.signal).finally(land);
      const leave = () => {
        waiting -= 1;
        if (waiting > 0 || isOver) return;
        // Nobody may join a run that is being cut off.
        land();
        controller.abort();
      };
      const shared: SharedRun<T> = {
        join(client) {
          waiting += 1;
          client.once('close', leave);
          return result;
        },
      };
      running.set(key, shared);
      return shared;
    },
  };
}
