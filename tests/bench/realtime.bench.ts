/**
 * `npm run bench:realtime`: subscriptions from outside, over real sockets. See README.md beside this file for the options, and for what each
 * figure means.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from '#platform/errors.ts';
import { prepareMachine } from './gateway/processes.ts';
import { machine } from './machine.ts';
import { clients } from './realtime/clients.ts';
import { fanOut } from './realtime/fan-out.ts';
import { idle } from './realtime/idle.ts';
import { sends } from './realtime/sends.ts';
import type { Settings } from './realtime/settings.ts';
import { storm } from './realtime/storm.ts';
import { startSubgraphs, type RunningSubgraphs } from './realtime/subgraphs.ts';
import { twoGateways } from './realtime/two-gateways.ts';

const OPTIONS = {
  seconds: { type: 'string', default: '5' },
  rounds: { type: 'string', default: '3' },
  only: { type: 'string' },
  sockets: { type: 'string' },
  json: { type: 'string' },
} as const;

interface Part {
  readonly name: string;
  /** `sockets` takes the place of the part's own number. */
  readonly run: (subgraphs: RunningSubgraphs, settings: Settings, sockets?: number) => Promise<object>;
}

/** Length of what has to be long to say anything, where `--seconds` is not given. */
const LONG = { idleS: 300, sendsS: 120 };

const PARTS: readonly Part[] = [
  { name: 'fanOut500', run: (subgraphs, settings, sockets = 500) => fanOut(sockets, subgraphs, settings) },
  { name: 'fanOut2000', run: (subgraphs, settings, sockets = 2_000) => fanOut(sockets, subgraphs, settings) },
  {
    name: 'idle',
    run: (subgraphs, { longS = LONG.idleS }, sockets = 50_000) => idle(sockets, longS, subgraphs),
  },
  { name: 'twoGateways', run: (_subgraphs, settings) => twoGateways(settings) },
  { name: 'storm', run: (subgraphs, settings, sockets = 10_000) => storm(sockets, subgraphs, settings) },
  { name: 'sends', run: (_subgraphs, { longS = LONG.sendsS }) => sends(longS) },
  { name: 'clients', run: (subgraphs, _settings, sockets = 10_000) => clients(sockets, subgraphs) },
];

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${option} must be a number above 0.`);
  return value;
}

function selectedParts(list: string | undefined): readonly Part[] {
  if (list === undefined) return PARTS;
  return list.split(',').map((name) => {
    const part = PARTS.find((each) => each.name === name);
    if (!part)
      throw new Error(`--only: there is no ${name}, only ${PARTS.map((each) => each.name).join(', ')}.`);
    return part;
  });
}

async function run(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  const seconds = positive('seconds', values.seconds);
  const isShort = process.argv.some((argument) => argument.startsWith('--seconds'));
  const settings: Settings = {
    seconds,
    rounds: Math.ceil(positive('rounds', values.rounds)),
    ...(isShort && { longS: seconds }),
  };
  const sockets = values.sockets === undefined ? undefined : Math.ceil(positive('sockets', values.sockets));
  const parts = selectedParts(values.only);
  console.log(`${machine()}; gateways on one core, subgraphs and load on another.`);
  prepareMachine();
  const subgraphs = await startSubgraphs();
  const figures: Record<string, object> = {};
  for (const { name, run: measure } of parts) figures[name] = await measure(subgraphs, settings, sockets);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
}

await run().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exit(1);
  },
);
