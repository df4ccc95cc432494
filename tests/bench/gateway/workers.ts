import { cpus } from 'node:os';
import { table } from '../table.ts';
import { measure, median, trafficTo, type Bench, type Measured, type Settings } from './bench.ts';
import type { GatewayName, RunningGateway } from './gateways.ts';
import { fullLoad, type Traffic } from './load.ts';
import { SHAPES } from './shapes.ts';

const DEFAULT: GatewayName = 'vezaFast';
const DEFAULT_SHAPES = ['join', 'heavy'];
/** Core 1 belongs to load and subgraphs. Where there is no third core, two workers have to share it with them. */
const TWO_CORES = cpus().length > 2 ? '0,2' : '0,1';

const NOTE = `CPU is that of all processes of the gateway, the one that hands connections over included. "projected" is no measurement: it is what this CPU time
per request comes to on one and on two cores that do nothing else. ${
  cpus().length > 2
    ? 'Load and subgraphs have one core: what they cannot deliver is missing from "scaling".'
    : 'With two cores only, the second worker shares its core with load and subgraphs: what they take is missing from "scaling".'
}`;

/** Our gateway with one and with two workers, in turn: what the second one brings. */
export async function workers(bench: Bench, settings: Settings): Promise<void> {
  const name = settings.gateways?.at(-1) ?? DEFAULT;
  const one = await bench.start(name, { args: ['--workers', '1'] });
  const two = await bench.start(name, { args: ['--workers', '2'], cores: TWO_CORES });
  const rows: string[][] = [];
  for (const shape of settings.shapes ?? SHAPES.filter((each) => DEFAULT_SHAPES.includes(each.name))) {
    const reference = await trafficTo(one, shape);
    const targets = [
      { gateway: one, traffic: reference, rounds: [] as Measured[] },
      { gateway: two, traffic: await trafficTo(two, shape, reference), rounds: [] as Measured[] },
    ];
    await alternate(bench, targets, settings);
    const [rps1 = 0, rps2 = 0] = targets.map(({ rounds }) => median(rounds.map(({ rps }) => rps)));
    const [cpu1 = 0, cpu2 = 0] = targets.map(({ rounds }) => median(rounds.map(({ cpuUs }) => cpuUs)));
    const [core1 = 0, core2 = 0] = targets.map(({ rounds }) => median(rounds.map(({ busy }) => busy)));
    rows.push([
      shape.name,
      ...[rps1, rps2].map((rps) => rps.toFixed(0)),
      (rps2 / rps1).toFixed(2),
      ...[cpu1, cpu2].map((us) => us.toFixed(0)),
      ...[core1, core2].map((busy) => busy.toFixed(2)),
      ...[1e6 / cpu1, 2e6 / cpu2].map((rps) => rps.toFixed(0)),
      ((2 * cpu1) / cpu2).toFixed(2),
    ]);
  }
  console.log(`\n${name}, one and two workers; cores ${TWO_CORES} for two, load and subgraphs on core 1\n`);
  const head = [
    '',
    'req/s, 1',
    'req/s, 2',
    'scaling',
    'CPU µs, 1',
    'CPU µs, 2',
    'cores used, 1',
    'cores used, 2',
    'projected, 1',
    'projected, 2',
    'projected scaling',
  ];
  console.log(table(head, rows));
  console.log(`\n${NOTE}`);
}

interface Target {
  readonly gateway: RunningGateway;
  readonly traffic: Traffic;
  readonly rounds: Measured[];
}

async function alternate(bench: Bench, targets: Target[], { durationMs, rounds }: Settings): Promise<void> {
  for (const { traffic } of targets) await fullLoad(traffic, durationMs);
  for (let round = 0; round < rounds; round++)
    for (const target of round % 2 === 0 ? targets : targets.toReversed())
      target.rounds.push(await measure(bench, target.gateway, target.traffic, durationMs));
}
