import { writeFileSync } from 'node:fs';
import { table } from '../table.ts';
import { measure, median, trafficTo, type Bench, type Measured, type Settings } from './bench.ts';
import { GATEWAYS, type GatewayName, type RunningGateway } from './gateways.ts';
import { fullLoad, type Traffic } from './load.ts';
import { SHAPES, type Shape } from './shapes.ts';

const BASE = 'apollo';
const RIVAL = 'hiveRust';

type Rounds = ReadonlyMap<GatewayName, readonly Measured[]>;

/** The figures of one gateway and shape as `--json` writes them: medians over the rounds. */
interface Figures {
  /** Requests per second as a ratio to plain ApolloGateway in the same round. */
  readonly ratio: number;
  readonly rps: number;
  readonly cpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rssMb: number;
}

/** Full load on all gateways in turn, shape by shape: prints a table each, and writes the figures to `jsonFile` where one is given. */
export async function throughput(bench: Bench, settings: Settings, jsonFile?: string): Promise<void> {
  const names = GATEWAYS.filter((name) => name === BASE || (settings.gateways ?? GATEWAYS).includes(name));
  const gateways: RunningGateway[] = [];
  for (const name of names) gateways.push(await bench.start(name));
  const figures: Record<string, Record<string, Figures>> = {};
  for (const shape of settings.shapes ?? SHAPES) {
    const { rounds, answerBytes } = await measureShape(bench, gateways, shape, settings);
    console.log(`\n${shape.title} (${(answerBytes / 1_024).toFixed(1)} KiB)\n`);
    console.log(report(rounds));
    figures[shape.name] = Object.fromEntries(
      [...rounds.keys()].map((name) => [name, figuresOf(rounds, name)]),
    );
    if (jsonFile) writeFileSync(jsonFile, `${JSON.stringify(figures, null, 2)}\n`);
  }
}

/** The rounds alternate between the gateways, every second one backwards, so that whatever else the machine does hits all alike. */
async function measureShape(
  bench: Bench,
  gateways: readonly RunningGateway[],
  shape: Shape,
  { durationMs, rounds: count }: Settings,
): Promise<{ rounds: Rounds; answerBytes: number }> {
  const targets: { gateway: RunningGateway; traffic: Traffic }[] = [];
  for (const gateway of gateways)
    targets.push({ gateway, traffic: await trafficTo(gateway, shape, targets[0]?.traffic) });
  for (const { traffic } of targets) await fullLoad(traffic, durationMs);
  const rounds = new Map<GatewayName, Measured[]>(gateways.map(({ name }) => [name, []]));
  for (let round = 0; round < count; round++)
    for (const { gateway, traffic } of round % 2 === 0 ? targets : targets.toReversed())
      rounds.get(gateway.name)?.push(await measure(bench, gateway, traffic, durationMs));
  return { rounds, answerBytes: targets[0]?.traffic.expected[0]?.length ?? 0 };
}

function ratios(rounds: Rounds, name: GatewayName, base: GatewayName): number[] {
  const bases = rounds.get(base) ?? [];
  return (rounds.get(name) ?? []).map(({ rps }, round) => rps / (bases[round]?.rps ?? Number.NaN));
}

function figuresOf(rounds: Rounds, name: GatewayName): Figures {
  const measured = rounds.get(name) ?? [];
  const middle = (of: (one: Measured) => number, digits: number) =>
    Number(median(measured.map(of)).toFixed(digits));
  return {
    ratio: Number(median(ratios(rounds, name, BASE)).toFixed(2)),
    rps: middle(({ rps }) => rps, 0),
    cpuUs: middle(({ cpuUs }) => cpuUs, 0),
    p50Ms: middle(({ p50Ms }) => p50Ms, 2),
    p99Ms: middle(({ p99Ms }) => p99Ms, 2),
    rssMb: middle(({ rssMb }) => rssMb, 0),
  };
}

function report(rounds: Rounds): string {
  const head = [
    '',
    'req/s',
    `ratio to ${BASE}`,
    'min – max',
    `ratio to ${RIVAL}`,
    'CPU µs',
    'p50 ms',
    'p99 ms',
    'RSS MB',
    'fetches',
    'core %',
  ];
  const rows = [...rounds].map(([name, measured]) => {
    const { rps, cpuUs, p50Ms, p99Ms, rssMb } = figuresOf(rounds, name);
    const toBase = ratios(rounds, name, BASE);
    return [
      name,
      `${rps}`,
      median(toBase).toFixed(2),
      `${Math.min(...toBase).toFixed(2)} – ${Math.max(...toBase).toFixed(2)}`,
      rounds.has(RIVAL) ? median(ratios(rounds, name, RIVAL)).toFixed(2) : '–',
      `${cpuUs}`,
      p50Ms.toFixed(2),
      p99Ms.toFixed(2),
      `${rssMb}`,
      median(measured.map(({ fetches }) => fetches)).toFixed(2),
      (median(measured.map(({ busy }) => busy)) * 100).toFixed(0),
    ];
  });
  return table(head, rows);
}
