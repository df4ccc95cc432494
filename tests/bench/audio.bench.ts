/** `npm run bench:audio`: what a media worker carries. See README.md beside this file for the options, and for what each figure means. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from '#platform/errors.ts';
import { forwarding } from './audio/forwarding.ts';
import { joins } from './audio/joins.ts';
import { recovery } from './audio/recovery.ts';
import type { Settings } from './audio/settings.ts';
import { workers } from './audio/workers.ts';
import { prepareMachine } from './gateway/processes.ts';
import { machine } from './machine.ts';

const OPTIONS = {
  seconds: { type: 'string', default: '3' },
  rounds: { type: 'string', default: '3' },
  only: { type: 'string' },
  json: { type: 'string' },
} as const;

interface Figures {
  readonly perPacketUs: number;
  readonly consumersPerWorker: number;
  readonly lossPercent: number;
  readonly joinP95Ms: number;
  readonly iceRestartMs: number;
  readonly workerKillMs: number;
  readonly serverRestartMs: number;
}

/** Null where the part that measures it was not run. */
const NOTHING: { readonly [F in keyof Figures]: null } = {
  perPacketUs: null,
  consumersPerWorker: null,
  lossPercent: null,
  joinP95Ms: null,
  iceRestartMs: null,
  workerKillMs: null,
  serverRestartMs: null,
};

/** Parts by name, each with the figures that it has to tell. */
const PARTS: Readonly<Record<string, (settings: Settings) => Promise<Partial<Figures>>>> = {
  forwarding,
  workers,
  joins,
  recovery,
};

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${option} must be a number above 0.`);
  return value;
}

function selectedParts(list: string | undefined) {
  const names = list?.split(',') ?? Object.keys(PARTS);
  return names.map((name) => {
    const part = PARTS[name];
    if (!part) throw new Error(`--only: there is no ${name}, only ${Object.keys(PARTS).join(', ')}.`);
    return part;
  });
}

async function run(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  const settings: Settings = {
    seconds: positive('seconds', values.seconds),
    rounds: Math.ceil(positive('rounds', values.rounds)),
  };
  const parts = selectedParts(values.only);
  console.log(`${machine()}; workers on one core, speakers and listeners on another.`);
  prepareMachine();
  let figures: object = NOTHING;
  for (const measure of parts) figures = { ...figures, ...(await measure(settings)) };
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
}

await run().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exit(1);
  },
);
