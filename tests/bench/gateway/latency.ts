import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { table } from '../table.ts';
import { trafficTo, type Bench, type Settings } from './bench.ts';
import { answersInTime, answersOf } from './client.ts';
import { GATEWAYS } from './gateways.ts';
import { fullLoad, steadyLoad, type Traffic } from './load.ts';
import { freePort, GATEWAY_CORE, startPinned } from './processes.ts';
import { SHAPES, type Shape } from './shapes.ts';

const RATE_PER_S = 100;
/** Half the time between two requests, so that the two loads never send at once. */
const OFFSET_MS = 500 / RATE_PER_S;
const SHAPE = 'one';
const START_DEADLINE_MS = 10_000;

/** What stands between load and subgraph. */
interface Hop {
  readonly name: string;
  readonly traffic: Traffic;
  end(): Promise<void>;
}

/**
 * Latency that each gateway adds at 100 requests a second, once warm: the same fetch through it and straight from the subgraph, side by side. First that of
 * a relay on the same core, which is what waking a process twice for each request costs on this machine.
 */
export async function latency(bench: Bench, { durationMs, rounds, gateways }: Settings): Promise<void> {
  const shape = SHAPES.find(({ name }) => name === SHAPE);
  if (!shape) throw new Error(`There is no shape ${SHAPE}.`);
  const direct = await directTraffic(bench, shape);
  const rows = [await measured(await startRelay(direct), direct, durationMs, rounds)];
  for (const name of gateways ?? GATEWAYS) {
    const gateway = await bench.start(name);
    const hop = { name, traffic: await trafficTo(gateway, shape, direct), end: gateway.end };
    rows.push(await measured(hop, direct, durationMs, rounds));
  }
  console.log(`\nAdded latency at ${RATE_PER_S} requests a second, ms (${shape.title})\n`);
  const head = ['', 'p50', 'p50 without', 'p50 added', 'p99', 'p99 without', 'p99 added', 'requests'];
  console.log(table(head, rows));
}

/** Its row of the table. Ends it. */
async function measured(
  { name, traffic, end }: Hop,
  direct: Traffic,
  durationMs: number,
  rounds: number,
): Promise<string[]> {
  await fullLoad(traffic, durationMs);
  const through = steadyLoad(traffic, RATE_PER_S, durationMs * rounds);
  const straight = sleep(OFFSET_MS).then(() => steadyLoad(direct, RATE_PER_S, durationMs * rounds));
  const [behind, straightOn] = await Promise.all([through, straight]);
  await end();
  const figures = [behind.p50Ms, straightOn.p50Ms, behind.p50Ms - straightOn.p50Ms];
  const worst = [behind.p99Ms, straightOn.p99Ms, behind.p99Ms - straightOn.p99Ms];
  return [name, ...[...figures, ...worst].map((ms) => ms.toFixed(2)), `${behind.answered}`];
}

/** Resolves once it answers. */
async function startRelay(direct: Traffic): Promise<Hop> {
  const port = await freePort();
  const program = join(import.meta.dirname, 'relay-process.ts');
  const { end } = startPinned(GATEWAY_CORE, [program, `${port}`, `${direct.address.port}`]);
  const traffic = { ...direct, to: 'relay', address: { ...direct.address, port } };
  await answersInTime(traffic.address, direct.shape, START_DEADLINE_MS);
  return { name: 'relay', traffic, end };
}

async function directTraffic({ subgraphs }: Bench, shape: Shape): Promise<Traffic> {
  const address = { port: subgraphs.ports.users, path: '/graphql' };
  return { to: 'the subgraph', address, shape, expected: await answersOf(address, shape) };
}
