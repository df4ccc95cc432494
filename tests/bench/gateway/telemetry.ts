import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { table } from '../table.ts';
import { measure, median, trafficTo, type Bench, type Measured, type Settings } from './bench.ts';
import type { RunningGateway } from './gateways.ts';
import { fullLoad, type Traffic } from './load.ts';
import type { Shape } from './shapes.ts';

const OFF = { METRICS: 'off', LOG_REQUESTS: 'off' } as const;

/** Processes that run the same code differ by a tenth or so for as long as they live, which would be taken for the cost of something. */
const INSTANCES = 2;

interface Mode {
  readonly name: string;
  readonly gateway: RunningGateway;
}

interface Target extends Mode {
  readonly traffic: Traffic;
  readonly rounds: Measured[];
}

/** Full load on gateways that differ in their telemetry alone, in turn; prints a table for each shape. Throws where no span arrived. */
export async function telemetry(
  bench: Bench,
  shapes: readonly Shape[],
  settings: Pick<Settings, 'durationMs' | 'rounds'>,
): Promise<void> {
  const collector = await startSink();
  const modes = await startModes(bench, collector.url);
  for (const shape of shapes) {
    const targets = await measureShape(bench, modes, shape, settings);
    console.log(`\n${shape.title}\n\n${report(targets)}`);
  }
  if (collector.batches() === 0) throw new Error('The collector got no spans: traces were not measured.');
  console.log(`\n${collector.batches()} batches of spans arrived at the collector.`);
}

async function startModes(bench: Bench, collectorUrl: string): Promise<Mode[]> {
  const traces = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.01',
  };
  const environments: Readonly<Record<string, NodeJS.ProcessEnv>> = {
    off: OFF,
    metrics: { ...OFF, METRICS: 'on' },
    'traces, 1 %': { ...OFF, ...traces },
    'log, every request': { ...OFF, LOG_REQUESTS: 'all', LOG_LEVEL: 'info' },
  };
  const modes: Mode[] = [];
  for (let instance = 0; instance < INSTANCES; instance++)
    for (const [name, env] of Object.entries(environments))
      modes.push({ name, gateway: await bench.start('vezaFast', { env }) });
  return modes;
}

/** The rounds alternate between the modes, every second one backwards, so that whatever else the machine does hits all alike. */
async function measureShape(
  bench: Bench,
  modes: readonly Mode[],
  shape: Shape,
  { durationMs, rounds }: Pick<Settings, 'durationMs' | 'rounds'>,
): Promise<Target[]> {
  const targets: Target[] = [];
  for (const mode of modes)
    targets.push({
      ...mode,
      traffic: await trafficTo(mode.gateway, shape, targets[0]?.traffic),
      rounds: [],
    });
  for (const { traffic } of targets) await fullLoad(traffic, durationMs);
  for (let round = 0; round < rounds; round++)
    for (const target of round % 2 === 0 ? targets : targets.toReversed())
      target.rounds.push(await measure(bench, target.gateway, target.traffic, durationMs));
  return targets;
}

function report(targets: readonly Target[]): string {
  const byName = Map.groupBy(targets, ({ name }) => name);
  const [off = []] = byName.values();
  const base = perRound(off, ({ rps }) => rps);
  const rows = [...byName].map(([name, instances]) => {
    const rates = perRound(instances, ({ rps }) => rps);
    const ratios = rates.map((rps, round) => rps / (base[round] ?? Number.NaN));
    return [
      name,
      median(rates).toFixed(0),
      median(ratios).toFixed(3),
      `${Math.min(...ratios).toFixed(3)} – ${Math.max(...ratios).toFixed(3)}`,
      median(perRound(instances, ({ cpuUs }) => cpuUs)).toFixed(1),
      (median(perRound(instances, ({ busy }) => busy)) * 100).toFixed(0),
    ];
  });
  return table(['', 'req/s', 'ratio to off', 'min – max', 'CPU µs', 'core %'], rows);
}

/** The mean over the instances of one mode. */
function perRound([first, ...others]: readonly Target[], of: (one: Measured) => number): number[] {
  return (first?.rounds ?? []).map((one, round) => {
    const figures = [one, ...others.flatMap(({ rounds }) => rounds[round] ?? [])].map(of);
    return figures.reduce((sum, figure) => sum + figure, 0) / figures.length;
  });
}

/** Takes what it is sent and keeps none of it, as a collector that is not the bottleneck. */
async function startSink(): Promise<{ readonly url: string; batches(): number }> {
  let batches = 0;
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      batches += 1;
      response.end('{}');
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, batches: () => batches };
}
