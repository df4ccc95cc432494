import { spawnSync } from 'node:child_process';
import { restartableServer, type RestartableServer } from './servers.ts';

/** For node:test's `skip`. */
export const skipWithoutNats = spawnSync('nats-server', ['--version']).error
  ? 'nats-server is not installed'
  : false;

/** A NATS server with JetStream of a test's own. Not started yet. */
export const ownNats = (): Promise<RestartableServer> =>
  restartableServer('nats-server', (port, folder) => [
    ...['-a', '127.0.0.1', '-p', `${port}`],
    ...['-js', '-sd', folder],
  ]);
