import { randomBytes } from 'node:crypto';
import { execute } from './databases.ts';
import { dataFolder, startProcess } from './platform-process.ts';
import { freePort } from './servers.ts';
import { services } from './services.ts';

const SUBGRAPHS = ['user', 'chat', 'stream', 'commerce', 'analytics'] as const;
export type ProcessName = (typeof SUBGRAPHS)[number] | 'media-server' | 'gateway';

export interface PlatformProcesses {
  readonly url: string;
  /** Ends one process with a signal; the others go on. */
  end(name: ProcessName, signal: NodeJS.Signals): Promise<number | null>;
  /** Starts an ended process again, on its old port. */
  restart(name: ProcessName, own?: NodeJS.ProcessEnv): Promise<void>;
  close(): Promise<void>;
}

type Ports = Readonly<Record<ProcessName, number>>;
type Process = Awaited<ReturnType<typeof startProcess<true>>>;

/** Every process of the platform on its own, over HTTP and WebSocket, on the servers that the tests were given; `own` are further variables of all. */
export async function startPlatformProcesses(own: NodeJS.ProcessEnv = {}): Promise<PlatformProcesses> {
  const database = `veza_test_${randomBytes(6).toString('hex')}`;
  const folder = await dataFolder();
  const ports = await choosePorts();
  const url = `http://127.0.0.1:${ports.gateway}`;
  const env = {
    ...databaseEnv(database),
    REDIS_URL: services.redisUrl!,
    NATS_URL: services.natsUrl!,
    INTERNAL_SECRET: randomBytes(32).toString('hex'),
    FILES_DIR: folder.path,
    PUBLIC_URL: url,
    LOG_LEVEL: 'info',
    ...linksBetween(ports),
    ...own,
  };
  const running = new Map<ProcessName, Process>();
  const start = async (name: ProcessName, more: NodeJS.ProcessEnv = {}) => {
    const script =
      name === 'gateway' || name === 'media-server' ? `${name}/index.ts` : `subgraphs/${name}/index.ts`;
    const process = await startProcess(script, [], { ...env, ...more, PORT: String(ports[name]) }, isReady);
    running.set(name, process);
  };
  await Promise.all([...SUBGRAPHS, 'media-server' as const].map((name) => start(name)));
  await start('gateway');
  return {
    url,
    end: (name, signal) => running.get(name)!.end(signal),
    restart: start,
    async close() {
      await Promise.all([...running.values()].map(({ end }) => end('SIGTERM')));
      for (const name of SUBGRAPHS) {
        await execute(services.databaseUrl!, `drop database if exists ${database}_${name} with (force)`);
      }
      await folder.remove();
    },
  };
}

const isReady = (line: string): true | null => (/"msg":"ready"|listening on|Ready/i.test(line) ? true : null);

async function choosePorts(): Promise<Ports> {
  const names: ProcessName[] = [...SUBGRAPHS, 'media-server', 'gateway'];
  const entries = await Promise.all(names.map(async (name) => [name, await freePort()] as const));
  return Object.fromEntries(entries) as Ports;
}

function databaseEnv(name: string): NodeJS.ProcessEnv {
  const url = new URL(services.databaseUrl!);
  url.pathname = `/${name}`;
  return { DATABASE_URL: url.href };
}

function linksBetween(ports: Ports): NodeJS.ProcessEnv {
  const at = (name: ProcessName) => `http://127.0.0.1:${ports[name]}`;
  const subgraphUrls = SUBGRAPHS.map((name) => [`SUBGRAPH_${name.toUpperCase()}_URL`, `${at(name)}/graphql`]);
  return {
    ...Object.fromEntries(subgraphUrls),
    JWKS_URL: `${at('user')}/.well-known/jwks.json`,
    REVOKED_SESSIONS_URL: `${at('user')}/sessions/revoked`,
    MEDIA_URL: at('media-server'),
    MEDIA_PUBLIC_URL: `ws://127.0.0.1:${ports['media-server']}/media`,
  };
}
