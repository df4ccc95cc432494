import { table } from '../table.ts';
import { startGateway, type GatewayKind } from './gateways.ts';
import { createHistogram, type Histogram } from './histogram.ts';
import { connectAll, Listener, Room } from './listeners.ts';
import { publishAt } from './publishing.ts';
import type { RunningSubgraphs } from './subgraphs.ts';
import type { Settings } from './settings.ts';
import { until } from './until.ts';

export interface FanOutFigures {
  readonly deliveriesPerS: number;
  readonly p99Ms: number;
  readonly ratioToBaseline: number;
}

interface Sample {
  readonly deliveriesPerS: number;
  readonly p99Ms: number;
  readonly cpuUs: number;
}

/** Past this, a rate is not held. */
const MAX_P99_MS = 200;
const WARM_UP_S = 2;
const STEPS = { large: 1.5, small: 1.1 };
const START_DELIVERIES_PER_S = 30_000;

/** One kind of gateway with its sockets in one room. */
async function startFanOut(kind: GatewayKind, sockets: number, subgraphs: RunningSubgraphs) {
  const gateway = await startGateway(kind, subgraphs);
  const room = new Room(`${kind}-${sockets}-${performance.now()}`);
  const listeners = Array.from({ length: sockets }, () => new Listener(room));
  await connectAll(listeners, () => ({ port: gateway.port }));
  let published = 0;
  const publish = () => {
    published += 1;
    subgraphs.publish(room.id);
  };
  /** What came of all that `run` publishes. Rejects where it is not every event at every socket. */
  const measure = async (run: (arrived: () => Promise<void>) => Promise<void>): Promise<Sample> => {
    const histogram = createHistogram();
    room.onDelivered = histogram.add;
    const before = { published, cpuMs: gateway.cpuMs(), atMs: performance.now() };
    const arrived = () => arrival(histogram, () => (published - before.published) * sockets, room);
    await run(arrived);
    await arrived();
    const tookS = (performance.now() - before.atMs) / 1_000;
    return {
      deliveriesPerS: histogram.count / tookS,
      p99Ms: histogram.percentileMs(0.99),
      cpuUs: ((gateway.cpuMs() - before.cpuMs) * 1_000) / histogram.count,
    };
  };
  const end = async () => {
    for (const listener of listeners) listener.destroy();
    await gateway.end();
    if (listeners.some(({ delivered, lost, duplicated }) => delivered !== published || lost + duplicated > 0))
      throw new Error('events are lost or repeated');
  };
  return { publish, measure, end };
}

const ARRIVAL_MS = 60_000;

async function arrival(histogram: Histogram, expected: () => number, room: Room): Promise<void> {
  const isOver = () => histogram.count >= expected() || room.fault !== null;
  await until(isOver, `deliveries are missing`, ARRIVAL_MS);
  if (room.fault !== null) throw new Error(room.fault);
}

/** The highest rate of events at which 99 % of the deliveries are in time: by large steps, then by small ones. */
async function highestRate(sockets: number, subgraphs: RunningSubgraphs, seconds: number): Promise<Sample> {
  const { measure, publish, end } = await startFanOut('veza', sockets, subgraphs);
  const atRate = (eventsPerS: number, forS: number) =>
    measure(async () => void (await publishAt(eventsPerS, forS, publish)));
  let eventsPerS = START_DELIVERIES_PER_S / sockets;
  await atRate(eventsPerS, WARM_UP_S);
  let best: Sample | null = null;
  for (const factor of [STEPS.large, STEPS.small]) {
    for (;;) {
      const sample = await atRate(eventsPerS, seconds);
      if (sample.p99Ms > MAX_P99_MS) break;
      best = sample;
      eventsPerS *= factor;
    }
    eventsPerS = (eventsPerS / factor) * STEPS.small;
  }
  await end();
  if (!best) throw new Error(`${START_DELIVERIES_PER_S} deliveries a second are too many.`);
  return best;
}

/** One event after the other, each as soon as the one before is everywhere: as fast as it goes, however late that is. */
async function oneByOne(sockets: number, subgraphs: RunningSubgraphs, seconds: number): Promise<Sample> {
  const { measure, publish, end } = await startFanOut('baseline', sockets, subgraphs);
  const forS = (duration: number) =>
    measure(async (arrived) => {
      const endMs = performance.now() + duration * 1_000;
      while (performance.now() < endMs) {
        publish();
        await arrived();
      }
    });
  await forS(WARM_UP_S);
  const sample = await forS(seconds);
  await end();
  return sample;
}

/** In turns, so that whatever else the machine does hits both alike. */
export async function fanOut(
  sockets: number,
  subgraphs: RunningSubgraphs,
  settings: Settings,
): Promise<FanOutFigures> {
  const rounds: { readonly veza: Sample; readonly baseline: Sample }[] = [];
  for (let round = 0; round < settings.rounds; round += 1) {
    const veza = await highestRate(sockets, subgraphs, settings.seconds);
    const baseline = await oneByOne(sockets, subgraphs, settings.seconds);
    rounds.push({ veza, baseline });
  }
  const median = (of: (round: (typeof rounds)[number]) => number): number =>
    rounds.map(of).sort((a, b) => a - b)[Math.floor(rounds.length / 2)] ?? Number.NaN;
  const row = (name: GatewayKind) => {
    const cpuUs = median((round) => round[name].cpuUs);
    const perS = median((round) => round[name].deliveriesPerS);
    const p99Ms = median((round) => round[name].p99Ms);
    return [name, perS.toFixed(0), p99Ms.toFixed(1), cpuUs.toFixed(1), (1e6 / cpuUs).toFixed(0)];
  };
  const ratioToBaseline = median(({ veza, baseline }) => veza.deliveriesPerS / baseline.deliveriesPerS);
  console.log(`\nfanOut${sockets}: ${sockets} sockets in one room, full event with three entity fetches\n`);
  console.log(
    table(
      ['', 'deliveries/s', 'p99 ms', 'gateway CPU µs/delivery', 'projected, one core'],
      [row('veza'), row('baseline')],
    ),
  );
  console.log(`\nratio ${ratioToBaseline.toFixed(1)}`);
  return {
    deliveriesPerS: median(({ veza }) => veza.deliveriesPerS),
    p99Ms: median(({ veza }) => veza.p99Ms),
    ratioToBaseline,
  };
}
