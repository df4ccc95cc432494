/** The worker's binary, or why there is none and what mends that. */
export type WorkerLocation =
  { readonly path: string } | { readonly path: null; readonly reason: string; readonly remedy: string };

/** Folder of the npm package that holds the worker's sources. */
export const MEDIASOUP_DIR: string;

/** Version of the installed npm package. Throws when it is not installed. */
export function mediasoupVersion(): string;

/** Folder of cached workers: `VEZA_CACHE_DIR`, else `XDG_CACHE_HOME/veza`, else `~/.cache/veza`. */
export function cacheFolder(env?: NodeJS.ProcessEnv): string;

/** Where the worker for this machine is cached, whether or not it is there yet. */
export function cachedWorkerPath(env?: NodeJS.ProcessEnv): string;

/**
 * Finds the worker without obtaining it: `MEDIASOUP_WORKER_BIN` when set, else the cached binary. What it returns was
 * started once for a moment and runs (a few milliseconds). Never throws.
 */
export function findWorker(env?: NodeJS.ProcessEnv): WorkerLocation;

/** Whether there is nothing to obtain, told without starting the binary: a custom path counts, whatever it holds. */
export function nothingToObtain(env?: NodeJS.ProcessEnv): boolean;

/** Whether the binary at `path` is a worker that runs on this machine. Never throws. */
export function workerRuns(path: string): boolean;
