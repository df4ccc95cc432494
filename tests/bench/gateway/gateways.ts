import { join } from 'node:path';
import { CHECKOUT } from '../../support/platform-process.ts';
import { cpuMsOf, processTree, rssMbOf } from '../machine.ts';
import { answersInTime, type Address } from './client.ts';
import { installedHive } from './hive/install.ts';
import { freePort, GATEWAY_CORE, startPinned, type PinnedProcess } from './processes.ts';
import { rowsShape } from './shapes.ts';

export const GATEWAYS = ['apollo', 'hive', 'hiveRust', 'veza', 'vezaFast'] as const;
export type GatewayName = (typeof GATEWAYS)[number];

const START_DEADLINE_MS = 60_000;

/** A gateway that answers. CPU time and memory are those of all its processes. */
export interface RunningGateway {
  readonly name: GatewayName;
  readonly address: Address;
  cpuMs(): number;
  rssMb(): number;
  end(): Promise<void>;
}

/** How a gateway is started other than by default. */
export interface GatewayOptions {
  /** Cores it may use; default: the one for gateways. */
  readonly cores?: string;
  /** Further arguments of the program. */
  readonly args?: readonly string[];
  /** Further variables. */
  readonly env?: NodeJS.ProcessEnv;
}

interface Program {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly path: string;
}

/** How each gateway is started on a supergraph. Each is as it comes, told only to forward the Authorization header. */
async function programOf(name: GatewayName, supergraph: string, port: number): Promise<Program> {
  switch (name) {
    case 'apollo': {
      const program = join(import.meta.dirname, 'apollo-process.ts');
      return {
        args: [program, supergraph, `${port}`],
        env: { APOLLO_TELEMETRY_DISABLED: 'true' },
        path: '/',
      };
    }
    case 'hive':
    case 'hiveRust': {
      const { program, config } = await installedHive();
      const args = [
        program,
        'supergraph',
        supergraph,
        '--host',
        '127.0.0.1',
        '--port',
        `${port}`,
        '-c',
        config,
      ];
      if (name === 'hiveRust') args.push('--hive-router-runtime');
      return { args, env: { LOG_LEVEL: 'warn' }, path: '/graphql' };
    }
    case 'veza':
    case 'vezaFast':
      return {
        args: [
          ...AS_NPM_RUN_GATEWAY,
          join(CHECKOUT, 'gateway/index.ts'),
          '--supergraph',
          supergraph,
          '--port',
          `${port}`,
        ],
        env: { ...OWN_ENVIRONMENT, FAST_PATH: name === 'vezaFast' ? 'on' : 'off' },
        path: '/graphql',
      };
  }
}

/** The limits that `npm run gateway` gives to node. */
const AS_NPM_RUN_GATEWAY = ['--max-semi-space-size=32', '--heap-growing-percent=100'];

/** What a developer's shell may hold must not change what is measured. */
const OWN_ENVIRONMENT = {
  HOST: '127.0.0.1',
  FORWARD_HEADERS: 'authorization',
  LOG_LEVEL: 'warn',
  ...{
    JWKS_URL: '',
    INTERNAL_SECRET: '',
    REDIS_URL: '',
    REVOKED_SESSIONS_URL: '',
    FILES_DIR: '',
    MEDIA_URL: '',
    OTEL_EXPORTER_OTLP_ENDPOINT: '',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: '',
  },
};

/** Starts a gateway on a supergraph file; resolves once it answers a query. Rejects with what it printed where it never does. */
export async function startGateway(
  name: GatewayName,
  supergraph: string,
  { cores = GATEWAY_CORE, args = [], env = {} }: GatewayOptions = {},
): Promise<RunningGateway> {
  const port = await freePort();
  const program = await programOf(name, supergraph, port);
  const gateway = startPinned(cores, [...program.args, ...args], {
    env: { ...program.env, ...env },
    ipc: name === 'apollo',
  });
  const address = { port, path: program.path };
  await ready(name, gateway, address);
  const sum = (of: (pid: number) => number) =>
    processTree(gateway.pid).reduce((total, pid) => total + of(pid), 0);
  return { name, address, cpuMs: () => sum(cpuMsOf), rssMb: () => sum(rssMbOf), end: gateway.end };
}

async function ready(
  name: GatewayName,
  { child, output, end }: PinnedProcess,
  address: Address,
): Promise<void> {
  const exited = new Promise<never>((_, reject) => {
    child.once('exit', () => reject(new Error(`${name} ended at once: ${output()}`)));
  });
  const answering = answersInTime(address, rowsShape(1), START_DEADLINE_MS).catch((error: unknown) => {
    void end();
    throw new Error(`${name} does not answer: ${output()}`, { cause: error });
  });
  await Promise.race([answering, exited]);
}
