/** What the primary forks. */
import { exitOnUncaughtError } from '#platform/process.ts';

// A terminal's Ctrl-C and many supervisors signal every process of a service. The primary tells its workers when to end: to them a signal
// of their own would be the second one. Before anything else, since loading it takes a while.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => undefined);
exitOnUncaughtError();
const { runWorker } = await import('./worker.ts');
await runWorker();
