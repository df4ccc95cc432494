import { setTimeout as sleep } from 'node:timers/promises';
import { table } from '../table.ts';
import { trafficTo, type Bench, type Settings } from './bench.ts';
import { answersOf } from './client.ts';
import { GATEWAYS } from './gateways.ts';
import { fullLoad, steadyLoad, type Traffic } from './load.ts';
import { SHAPES, type Shape } from './shapes.ts';

const RATE_PER_S = 100;
/** Half the time between two requests, so that the two loads never send at once. */
const OFFSET_MS = 500 / RATE_PER_S;
const SHAPE = 'one';

/** Latency that each gateway adds at 100 requests a second, once warm: the same fetch through it and straight from the subgraph, side by side. */
export async function latency(bench: Bench, { durationMs, rounds, gateways }: Settings): Promise<void> {
  const shape = SHAPES.find(({ name }) => name === SHAPE);
  if (!shape) throw new Error(`There is no shape ${SHAPE}.`);
  const direct = await directTraffic(bench, shape);
  const rows: string[][] = [];
  for (const name of gateways ?? GATEWAYS) {
    const gateway = await bench.start(name);
    const traffic = await trafficTo(gateway, shape, direct);
    await fullLoad(traffic, durationMs);
    const through = steadyLoad(traffic, RATE_PER_S, durationMs * rounds);
    const straight = sleep(OFFSET_MS).then(() => steadyLoad(direct, RATE_PER_S, durationMs * rounds));
    const [behind, straightOn] = await Promise.all([through, straight]);
    await gateway.end();
    const figures = [behind.p50Ms, straightOn.p50Ms, behind.p50Ms - straightOn.p50Ms];
    const worst = [behind.p99Ms, straightOn.p99Ms, behind.p99Ms - straightOn.p99Ms];
    rows.push([name, ...[...figures, ...worst].map((ms) => ms.toFixed(2)), `${behind.answered}`]);
  }
  console.log(`\nAdded latency at ${RATE_PER_S} requests a second, ms (${shape.title})\n`);
  const head = ['', 'p50', 'p50 without', 'p50 added', 'p99', 'p99 without', 'p99 added', 'requests'];
  console.log(table(head, rows));
}

async function directTraffic({ subgraphs }: Bench, shape: Shape): Promise<Traffic> {
  const address = { port: subgraphs.ports.users, path: '/graphql' };
  return { to: 'the subgraph', address, shape, expected: await answersOf(address, shape) };
}
