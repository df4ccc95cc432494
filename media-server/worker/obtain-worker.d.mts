import type { WorkerLocation } from './find-worker.mjs';

/**
 * Obtains mediasoup's worker: `MEDIASOUP_WORKER_BIN`, else the cached binary, else the official one from mediasoup's
 * releases, else a build from the npm package's sources (minutes; installs Debian packages when root). Processes that
 * ask at the same time wait for one of them. Never rejects: without a worker it says why and what mends it.
 */
export function obtainWorker(options: {
  readonly log: (line: string) => void;
  readonly env?: NodeJS.ProcessEnv;
}): Promise<WorkerLocation>;
