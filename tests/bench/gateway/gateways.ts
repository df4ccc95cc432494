import { join } from 'node:path';
import { CHECKOUT } from '../../support/platform-process.ts';
import { cpuMsOf, processTree, rssMbOf } from '../machine.ts';
import { NODE_FLAGS, OWN_ENVIRONMENT } from '../own-gateway.ts';
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

export interface GatewayFiles {
  readonly supergraph: string;
  /** Of our gateway. */
  readonly config: string;
}

/** How each gateway is started. Each is as it comes, told to forward the Authorization header, ours also what is in its file. */
async function programOf(
  name: GatewayName,
  { supergraph, config: ownConfig }: GatewayFiles,
  port: number,
): Promise<Program> {
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
          ...NODE_FLAGS,
          join(CHECKOUT, 'gateway/index.ts'),
          '--supergraph',
          supergraph,
          '--config',
          ownConfig,
          '--port',
          `${port}`,
        ],
        env: {
          ...OWN_ENVIRONMENT,
          FORWARD_HEADERS: 'authorization',
          FAST_PATH: name === 'vezaFast' ? 'on' : 'off',
        },
        path: '/graphql',
      };
  }
}

/** Starts a gateway; resolves once it answers a query. Rejects with what it printed where it never does. */
export async function startGateway(
  name: GatewayName,
  files: GatewayFiles,
  { cores = GATEWAY_CORE, args = [], env = {} }: GatewayOptions = {},
): Promise<RunningGateway> {
  const port = await freePort();
  const program = await programOf(name, files, port);
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
