import { table } from '../table.ts';
import { measure, trafficTo, type Bench, type Settings } from './bench.ts';
import { GATEWAYS, type RunningGateway } from './gateways.ts';
import { fullLoad } from './load.ts';
import { entitiesShape, rowsShape, type Shape } from './shapes.ts';

const SIZES = [10, 100, 1_000];
const SERIES: Readonly<Record<string, (size: number) => Shape>> = {
  'size of the answer (rows of one fetch)': rowsShape,
  'entities (joined over three subgraphs)': entitiesShape,
};

/** What a request costs at 1, 10 and 100 times the size. Ten times the size may cost ten times as much, and not more. */
export async function scaling(bench: Bench, settings: Settings): Promise<void> {
  const gateways: RunningGateway[] = [];
  for (const name of settings.gateways ?? GATEWAYS) gateways.push(await bench.start(name));
  for (const [title, shapeOf] of Object.entries(SERIES)) {
    const rows: string[][] = [];
    for (const gateway of gateways) rows.push(await row(bench, gateway, shapeOf, settings.durationMs));
    console.log(`\nCPU µs per request, by ${title}\n`);
    console.log(table(['', ...SIZES.map(String), '10× / 1×', '100× / 10×', 'KiB at 100×'], rows));
  }
  console.log(
    '\nA ratio of at most 10 from one size to the next is linear growth; what is below 10 is the fixed part.',
  );
}

async function row(
  bench: Bench,
  gateway: RunningGateway,
  shapeOf: (size: number) => Shape,
  durationMs: number,
) {
  const costs: number[] = [];
  let bytes = 0;
  for (const size of SIZES) {
    const traffic = await trafficTo(gateway, shapeOf(size));
    await fullLoad(traffic, durationMs);
    costs.push((await measure(bench, gateway, traffic, durationMs)).cpuUs);
    bytes = traffic.expected[0]?.length ?? 0;
  }
  const growth = costs.slice(1).map((cost, index) => cost / (costs[index] ?? Number.NaN));
  return [
    gateway.name,
    ...costs.map((cost) => cost.toFixed(0)),
    ...growth.map((factor) => factor.toFixed(1)),
    (bytes / 1_024).toFixed(0),
  ];
}
