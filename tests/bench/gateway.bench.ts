/**
 * `npm run bench:gateway`: our gateway beside others, on the same subgraphs, with the same queries, in one run. See README.md beside
 * this file for the options, and for what each figure means.
 */
import { parseArgs } from 'node:util';
import { messageOf } from '#platform/errors.ts';
import { PIPELINED, startBench, type Settings } from './gateway/bench.ts';
import { GATEWAYS } from './gateway/gateways.ts';
import { latency } from './gateway/latency.ts';
import { prepareMachine } from './gateway/processes.ts';
import { scaling } from './gateway/scaling.ts';
import { SHAPES } from './gateway/shapes.ts';
import { soak } from './gateway/soak.ts';
import { throughput } from './gateway/throughput.ts';
import { workers } from './gateway/workers.ts';
import { machine } from './machine.ts';

const OPTIONS = {
  seconds: { type: 'string', default: '5' },
  rounds: { type: 'string', default: '6' },
  gateways: { type: 'string' },
  shapes: { type: 'string' },
  json: { type: 'string' },
  latency: { type: 'boolean', default: false },
  scaling: { type: 'boolean', default: false },
  workers: { type: 'boolean', default: false },
  soak: { type: 'string' },
  pipelined: { type: 'string', default: String(PIPELINED) },
} as const;

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${option} must be a number above 0.`);
  return value;
}

/** The items named in a list such as `a,b`; undefined without one. */
function selected<T>(
  option: string,
  list: string | undefined,
  items: readonly T[],
  nameOf: (item: T) => string,
) {
  return list?.split(',').map((name) => {
    const item = items.find((each) => nameOf(each) === name);
    if (item === undefined)
      throw new Error(`--${option}: there is no ${name}, only ${items.map(nameOf).join(', ')}.`);
    return item;
  });
}

async function run(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  const settings: Settings = {
    durationMs: positive('seconds', values.seconds) * 1_000,
    rounds: Math.ceil(positive('rounds', values.rounds)),
    gateways: selected('gateways', values.gateways, GATEWAYS, (name) => name),
    shapes: selected('shapes', values.shapes, SHAPES, ({ name }) => name),
  };
  const soakMinutes = values.soak === undefined ? null : positive('soak', values.soak);
  console.log(`${machine()}; the gateway on one core, subgraphs and load on another.`);
  prepareMachine();
  const bench = await startBench(positive('pipelined', values.pipelined));
  if (values.latency) await latency(bench, settings);
  if (values.scaling) await scaling(bench, settings);
  if (values.workers) await workers(bench, settings);
  if (soakMinutes !== null) await soak(bench, soakMinutes, settings);
  if (!values.latency && !values.scaling && !values.workers && soakMinutes === null)
    await throughput(bench, settings, values.json);
}

await run().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exit(1);
  },
);
