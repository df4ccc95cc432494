import { join } from 'node:path';
import { CHECKOUT } from '../../support/platform-process.ts';
import { NODE_FLAGS, OWN_ENVIRONMENT } from '../own-gateway.ts';
import { cpuMsOf, rssMbOf } from '../machine.ts';
import { freePort, GATEWAY_CORE, startPinned } from '../gateway/processes.ts';

export type GatewayKind = 'veza' | 'baseline';

export interface RunningGateway {
  readonly port: number;
  cpuMs(): number;
  rssMb(): number;
  /** Kills it. */
  end(): Promise<void>;
}

export interface GatewayOptions {
  readonly supergraph: string;
  readonly cores?: string;
  readonly env?: NodeJS.ProcessEnv;
}

const START_DEADLINE_MS = 30_000;

/** Starts our gateway, or what stands for one without sharing; resolves once it answers. */
export async function startGateway(
  kind: GatewayKind,
  { supergraph, cores = GATEWAY_CORE, env = {} }: GatewayOptions,
): Promise<RunningGateway> {
  const port = await freePort();
  const args = [...NODE_FLAGS, ...programOf(kind, supergraph, port)];
  const gateway = startPinned(cores, args, { env: { ...OWN_ENVIRONMENT, ...env } });
  const { pid, child, output, end } = gateway;
  const giveUpAtMs = performance.now() + START_DEADLINE_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() > giveUpAtMs)
      throw new Error(`The ${kind} gateway does not answer: ${output()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { port, cpuMs: () => cpuMsOf(pid), rssMb: () => rssMbOf(pid), end };
}

function programOf(kind: GatewayKind, supergraph: string, port: number): string[] {
  if (kind === 'baseline') return [join(import.meta.dirname, 'baseline-process.ts'), supergraph, `${port}`];
  return [join(CHECKOUT, 'gateway/index.ts'), '--supergraph', supergraph, '--port', `${port}`];
}

const answers = (port: number) =>
  fetch(`http://127.0.0.1:${port}/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
