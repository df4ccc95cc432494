/** `npm run bench:telemetry`: what metrics, traces and a log line per request cost the gateway, each against none of them. */
import { parseArgs } from 'node:util';
import { messageOf } from '#platform/errors.ts';
import { startBench } from './gateway/bench.ts';
import { prepareMachine } from './gateway/processes.ts';
import { SHAPES } from './gateway/shapes.ts';
import { telemetry } from './gateway/telemetry.ts';
import { machine } from './machine.ts';

const DEFAULT_SHAPES = 'one,joinUnique';

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '6' },
      shapes: { type: 'string', default: DEFAULT_SHAPES },
    },
  });
  const [seconds, rounds] = [Number(values.seconds), Number(values.rounds)];
  if (!(seconds > 0 && rounds > 0)) throw new Error('--seconds and --rounds must be numbers above 0.');
  const names = values.shapes.split(',');
  const shapes = SHAPES.filter(({ name }) => names.includes(name));
  if (shapes.length !== names.length)
    throw new Error(`--shapes: there are only ${SHAPES.map(({ name }) => name).join(', ')}.`);
  console.log(`${machine()}; the gateway on one core, subgraphs, load and collector on another.`);
  prepareMachine();
  await telemetry(await startBench(), shapes, { durationMs: seconds * 1_000, rounds: Math.ceil(rounds) });
}

await run().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exit(1);
  },
);
