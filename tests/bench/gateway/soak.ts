import { table } from '../table.ts';
import { trafficTo, type Bench, type Settings } from './bench.ts';
import type { GatewayName } from './gateways.ts';
import { fullLoad, steadyLoad } from './load.ts';
import { SHAPES } from './shapes.ts';

const DEFAULT: GatewayName = 'vezaFast';
const DEFAULT_SHAPE = 'join';
const SHARE_OF_FULL_LOAD = 0.7;
const READINGS = 40;
const SHOWN_READINGS = 10;
/** The third quarter of the time against the last: what still grows by more is not flat. */
const MAX_GROWTH = 0.05;

/** One gateway at 70 % of what it can do: resident memory over the time. Throws where it does not flatten. */
export async function soak(bench: Bench, minutes: number, settings: Settings): Promise<void> {
  const shape = settings.shapes?.[0] ?? SHAPES.find(({ name }) => name === DEFAULT_SHAPE);
  if (!shape) throw new Error(`There is no shape ${DEFAULT_SHAPE}.`);
  const gateway = await bench.start(settings.gateways?.at(-1) ?? DEFAULT);
  const traffic = await trafficTo(gateway, shape);
  await fullLoad(traffic, settings.durationMs);
  const { rps } = await fullLoad(traffic, settings.durationMs);
  const durationMs = minutes * 60_000;
  const readings: number[] = [];
  const read = setInterval(() => readings.push(gateway.rssMb()), durationMs / READINGS);
  const sample = await steadyLoad(traffic, rps * SHARE_OF_FULL_LOAD, durationMs).finally(() =>
    clearInterval(read),
  );
  readings.push(gateway.rssMb());

  console.log(
    `\n${gateway.name}, ${shape.name}, ${minutes} minutes at ${sample.rps.toFixed(0)} of ${rps.toFixed(0)} req/s`,
  );
  console.log(
    `${sample.answered} answers, all as expected; p50 ${sample.p50Ms.toFixed(2)} ms, p99 ${sample.p99Ms.toFixed(2)} ms\n`,
  );
  const every = READINGS / SHOWN_READINGS;
  const rows = readings
    .map((rssMb, index) => [((minutes * (index + 1)) / READINGS).toFixed(1), rssMb.toFixed(0)])
    .filter((_, index) => (index + 1) % every === 0);
  console.log(table(['minutes', 'RSS MB'], rows));
  judge(readings);
}

function judge(readings: readonly number[]): void {
  const mean = (some: readonly number[]) => some.reduce((sum, one) => sum + one, 0) / some.length;
  const quarter = Math.floor(readings.length / 4);
  const growth = mean(readings.slice(-quarter)) / mean(readings.slice(-2 * quarter, -quarter)) - 1;
  const figures = `${(growth * 100).toFixed(1)} % from the third to the last quarter, at most ${Math.max(...readings).toFixed(0)} MB`;
  if (!(growth <= MAX_GROWTH)) throw new Error(`Memory does not flatten: ${figures}.`);
  console.log(`\nMemory is flat: ${figures}.`);
}
