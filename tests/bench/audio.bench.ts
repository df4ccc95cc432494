/** `npm run bench:audio`: what a media worker carries. See README.md beside this file for the options, and for what each figure means. */
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from '#platform/errors.ts';
import { broadcast, type BroadcastFigures } from './audio/broadcast.ts';
import { forwarding } from './audio/forwarding.ts';
import { joins } from './audio/joins.ts';
import { people } from './audio/people.ts';
import { recording, type RecordingFigures } from './audio/recording.ts';
import { recovery } from './audio/recovery.ts';
import type { Settings } from './audio/settings.ts';
import { soak, type SoakFigures } from './audio/soak.ts';
import { workers } from './audio/workers.ts';
import { prepareMachine } from './gateway/processes.ts';
import { machine } from './machine.ts';

const OPTIONS = {
  seconds: { type: 'string' },
  rounds: { type: 'string', default: '3' },
  seed: { type: 'string' },
  only: { type: 'string' },
  json: { type: 'string' },
} as const;

const TURN_SECONDS = 3;
const SOAK_SECONDS = 600;
const MAX_SEED = 2 ** 32;

interface Figures extends BroadcastFigures {
  readonly perPacketUs: number;
  readonly consumersPerWorker: number;
  readonly lossPercent: number;
  readonly joinP95Ms: number;
  readonly iceRestartMs: number;
  readonly silentDeathMs: number;
  readonly workerKillMs: number;
  readonly serverRestartMs: number;
  readonly soak: SoakFigures;
  readonly recording: RecordingFigures;
}

/** Null where the part that measures it was not run. */
const NOTHING: { readonly [F in keyof Figures]: null } = {
  perPacketUs: null,
  consumersPerWorker: null,
  lossPercent: null,
  joinP95Ms: null,
  iceRestartMs: null,
  silentDeathMs: null,
  workerKillMs: null,
  serverRestartMs: null,
  soak: null,
  recording: null,
  broadcastDelayMs: null,
};

/** Parts by name, each with the figures that it has to tell. */
const PARTS: Readonly<Record<string, (settings: Settings) => Promise<Partial<Figures>>>> = {
  forwarding,
  workers,
  joins,
  people,
  recovery,
  recording,
  broadcast,
  soak,
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
  const seconds = values.seconds === undefined ? null : positive('seconds', values.seconds);
  const settings: Settings = {
    seconds: seconds ?? TURN_SECONDS,
    rounds: Math.ceil(positive('rounds', values.rounds)),
    soakSeconds: seconds ?? SOAK_SECONDS,
    seed: values.seed === undefined ? randomInt(MAX_SEED) : positive('seed', values.seed),
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
