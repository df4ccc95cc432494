import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';
import { openChannel, type Channel, type Link } from './channel.ts';
import type { PrimaryProcedures, WorkerProcedures } from './protocol.ts';
import { closeUndelivered } from './undelivered.ts';

/** A worker as the primary sees it. */
export interface WorkerProcess {
  readonly pid: number;
  /** Resolves once it can be spoken to; rejects where it ends before. */
  readonly greeted: Promise<void>;
  /** Closed with the worker's end. */
  readonly channel: Channel<WorkerProcedures>;
  readonly ended: Promise<End>;
  /** At once, whatever it does. */
  kill(): void;
}

export interface End {
  readonly isInOrder: boolean;
  /** For people: exit code or signal. */
  readonly description: string;
}

const ENTRY = fileURLToPath(new URL('./worker-entry.ts', import.meta.url));

/** Starts a worker, with the flags that this process was given. It ends with this process. */
export function forkWorker({ metricsText }: Pick<PrimaryProcedures, 'metricsText'>): WorkerProcess {
  // Whoever has taken its last connection gets the next one. Were all to accept for themselves (SCHED_NONE), one of two has got 32 of
  // 33 that came together; and a kernel that deals them out (SO_REUSEPORT) sends them to one that is stuck as well.
  cluster.schedulingPolicy = cluster.SCHED_RR;
  // The default, JSON, would turn figures that are no number into null.
  cluster.setupPrimary({ exec: ENTRY, args: [], serialization: 'advanced' });
  const worker = cluster.fork();
  closeUndelivered(worker.process);
  const link: Link = {
    send: (message) => void worker.process.send(message, undefined, undefined, () => undefined),
    onMessage: (listener) => void worker.on('message', listener),
  };
  // What cannot be sent to a worker that is ending: its end says enough.
  worker.on('error', () => undefined);
  const hello = Promise.withResolvers<void>();
  const procedures: PrimaryProcedures = { hello: async () => hello.resolve(), metricsText };
  const channel = openChannel<WorkerProcedures>(link, { ...procedures });
  const ended = new Promise<End>((resolve) => {
    worker.once('exit', (code: number | null, signal: NodeJS.Signals | null) => {
      const description = signal ?? `exit code ${code}`;
      const reason = new Error(`A worker ended with ${description}.`);
      hello.reject(reason);
      channel.close(reason);
      resolve({ isInOrder: code === 0, description });
    });
  });
  // It may end when nobody waits for its greeting any more.
  hello.promise.catch(() => undefined);
  return {
    pid: worker.process.pid ?? 0,
    greeted: hello.promise,
    channel,
    ended,
    kill: () => void worker.process.kill('SIGKILL'),
  };
}
