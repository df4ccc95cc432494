import { median } from '../gateway/bench.ts';
import { LOAD_CORE } from '../gateway/processes.ts';
import { table } from '../table.ts';
import { addListeners, openStage, startServer, USUAL, type MeasuredServer, type Stage } from './audience.ts';
import { fullAt } from './forwarding.ts';
import { startLoad, type Load } from './load.ts';
import { PACKETS_PER_S } from './rtp.ts';
import type { Settings } from './settings.ts';
import { takeTurn, type Turn } from './turn.ts';

const LISTENERS = 1_000;
/** More and more, on one worker, until it cannot take more, or the load cannot. */
const CROWDS = [1_500, 2_000];
const MAX_LOSS_PERCENT = 0.1;
const MAX_OVERRUN_PERCENT = 1;
const WARM_UP_S = 0.5;

/** One room on one worker beside one on two, in turn: there half of the listeners are on the other worker, and the speaker's stream is piped to it. */
export async function workers({ seconds, rounds }: Settings): Promise<object> {
  const server = await startServer(2);
  const load = await startLoad(LOAD_CORE);
  const alone = await openStage(server);
  await addListeners(alone, USUAL, LISTENERS, load);
  const piped = await openPiped(server, load);
  const turn = (stage: Stage, forS = seconds) =>
    takeTurn(stage, { pids: server.pids, listeners: LISTENERS, decrypts: true }, load, forS);
  for (const stage of [alone, piped]) await turn(stage, WARM_UP_S);
  const turns: { readonly one: Turn[]; readonly two: Turn[] } = { one: [], two: [] };
  for (let round = 0; round < rounds; round += 1) {
    turns.one.push(await turn(alone));
    turns.two.push(await turn(piped));
  }
  console.log(`\nworkers: ${LISTENERS} listeners of one speaker, ${USUAL}, ${PACKETS_PER_S} packets/s\n`);
  const rows = [describe('on one worker', turns.one), describe('half of them on another, piped', turns.two)];
  let present = LISTENERS;
  for (const crowd of CROWDS) {
    await addListeners(alone, USUAL, crowd - present, load);
    present = crowd;
    const once = await takeTurn(
      alone,
      { pids: server.pids, listeners: crowd, decrypts: true },
      load,
      seconds,
    );
    rows.push(describe(`${crowd} on one worker`, [once]));
    if (once.lossPercent > MAX_LOSS_PERCENT || once.overrunPercent > MAX_OVERRUN_PERCENT) break;
  }
  const head = [
    '',
    'CPU µs/packet, all workers',
    'of each worker',
    'loss %',
    'load too slow %',
    'cores used',
    'busiest is full at',
  ];
  console.log(table(head, rows));
  await load.end();
  await server.kit.close();
  return {};
}

/** A room whose speaker is on one worker, and whose listeners are half there and half on another. */
async function openPiped(server: MeasuredServer, load: Load): Promise<Stage> {
  const stage = await openStage(server);
  const other = await openStage(server);
  const { id: producerId } = stage.producer;
  await stage.router.pipeToRouter({ producerId, router: other.router, enableSctp: false });
  await addListeners(stage, USUAL, LISTENERS / 2, load);
  await addListeners({ ...other, producer: stage.producer }, USUAL, LISTENERS / 2, load);
  return stage;
}

function describe(name: string, turns: readonly Turn[]): string[] {
  const middle = (of: (turn: Turn) => number) => median(turns.map(of));
  const each = [0, 1].map((at) => middle(({ perPacketUsOfWorkers }) => perPacketUsOfWorkers[at] ?? 0));
  const perPacketUs = middle((turn) => turn.perPacketUs);
  return [
    name,
    perPacketUs.toFixed(1),
    each.map((us) => us.toFixed(1)).join(' + '),
    Math.max(...turns.map(({ lossPercent }) => lossPercent)).toFixed(3),
    middle(({ overrunPercent }) => overrunPercent).toFixed(2),
    middle(({ coresUsed }) => coresUsed).toFixed(2),
    String(fullAt(Math.max(...each))),
  ];
}
