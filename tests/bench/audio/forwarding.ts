import { median } from '../gateway/bench.ts';
import { LOAD_CORE } from '../gateway/processes.ts';
import { table } from '../table.ts';
import { addListeners, openStage, startServer, USUAL, type Protection, type Stage } from './audience.ts';
import { startLoad } from './load.ts';
import { PACKETS_PER_S } from './rtp.ts';
import type { Settings } from './settings.ts';
import { takeTurn, type Turn } from './turn.ts';

const AUDIENCES = [100, 300, 700, 1_000];
const PROTECTIONS: readonly Protection[] = [
  'none',
  'AEAD_AES_128_GCM',
  'AEAD_AES_256_GCM',
  'AES_CM_128_HMAC_SHA1_80',
];
const WARM_UP_S = 0.5;

export interface ForwardingFigures {
  readonly perPacketUs: number;
  readonly consumersPerWorker: number;
  readonly lossPercent: number;
}

/** Consumers of one speaker that fill a core, at that much CPU time per packet. */
export const fullAt = (perPacketUs: number) => Math.floor(1e6 / perPacketUs / PACKETS_PER_S);

/** One speaker, more and more listeners, all protections in turn on one worker: each has a room of its own, and only one is spoken in. */
export async function forwarding({ seconds, rounds }: Settings): Promise<ForwardingFigures> {
  const server = await startServer(1);
  const load = await startLoad(LOAD_CORE);
  const { pids } = server;
  const stages = new Map<Protection, Stage>();
  for (const protection of PROTECTIONS) stages.set(protection, await openStage(server));
  const measured = new Map<string, Turn[]>();
  let present = 0;
  for (const listeners of AUDIENCES) {
    for (const [protection, stage] of stages)
      await addListeners(stage, protection, listeners - present, load);
    present = listeners;
    const turn = (protection: Protection, stage: Stage, forS: number) =>
      takeTurn(stage, { pids, listeners, decrypts: protection !== 'none' }, load, forS);
    for (const [protection, stage] of stages) await turn(protection, stage, WARM_UP_S);
    for (let round = 0; round < rounds; round += 1) {
      for (const [protection, stage] of inTurn(stages, round)) {
        const key = `${protection} ${listeners}`;
        measured.set(key, [...(measured.get(key) ?? []), await turn(protection, stage, seconds)]);
      }
    }
  }
  await load.end();
  await server.kit.close();
  console.log(`\nforwarding: one speaker, ${PACKETS_PER_S} packets/s, one worker\n`);
  console.log(describeAll(measured));
  const figures = figuresOf(measured.get(`${USUAL} ${present}`) ?? []);
  const coresFor = (consumers: number) =>
    ((consumers * PACKETS_PER_S * figures.perPacketUs) / 1e6).toFixed(2);
  console.log(
    `\nprojected for ${USUAL}: 1,000 streams take ${coresFor(1_000)} cores, 10,000 take ${coresFor(10_000)}`,
  );
  return figures;
}

/** Every second round backwards, so that whatever else the machine does hits all alike. */
function inTurn<K, V>(items: ReadonlyMap<K, V>, round: number): [K, V][] {
  return round % 2 === 0 ? [...items] : [...items].toReversed();
}

function figuresOf(turns: readonly Turn[]): ForwardingFigures {
  const perPacketUs = median(turns.map((turn) => turn.perPacketUs));
  const lossPercent = Math.max(...turns.map((turn) => turn.lossPercent));
  return { perPacketUs, consumersPerWorker: fullAt(perPacketUs), lossPercent };
}

const HEAD = [
  'suite, listeners',
  'CPU µs/packet',
  'min – max',
  'ratio to none',
  'loss %',
  'jitter ms',
  'delay p50 ms',
  'p99 ms',
  'load too slow %',
  'decrypted',
  'one core is full at',
];

function describeAll(measured: ReadonlyMap<string, readonly Turn[]>): string {
  const rows = PROTECTIONS.flatMap((protection) =>
    AUDIENCES.map((listeners) => {
      const turns = measured.get(`${protection} ${listeners}`) ?? [];
      return describe(`${protection} ${listeners}`, turns, measured.get(`none ${listeners}`) ?? []);
    }),
  );
  return table(HEAD, rows);
}

/** The ratio is taken per round. */
function describe(key: string, turns: readonly Turn[], plain: readonly Turn[]): string[] {
  const { perPacketUs, consumersPerWorker, lossPercent } = figuresOf(turns);
  const all = turns.map((turn) => turn.perPacketUs);
  const ratios = turns.map((turn, round) => turn.perPacketUs / (plain[round]?.perPacketUs ?? Number.NaN));
  const middle = (of: (turn: Turn) => number) => median(turns.map(of));
  return [
    key,
    perPacketUs.toFixed(1),
    `${Math.min(...all).toFixed(1)} – ${Math.max(...all).toFixed(1)}`,
    median(ratios).toFixed(2),
    lossPercent.toFixed(3),
    middle(({ report }) => report.jitterMs).toFixed(2),
    ...[middle(({ report }) => report.delayP50Ms), middle(({ report }) => report.delayP99Ms)].map(delayText),
    middle(({ overrunPercent }) => overrunPercent).toFixed(2),
    turns.reduce((sum, { report }) => sum + report.opened, 0).toFixed(0),
    String(consumersPerWorker),
  ];
}

/** What is not encrypted is not opened, so its delay is not known. */
const delayText = (ms: number): string => (Number.isNaN(ms) ? '–' : ms.toFixed(1));
