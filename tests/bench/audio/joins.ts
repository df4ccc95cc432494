import { z } from 'zod';
import { produce } from '../../media/media-kit.ts';
import { GATEWAY_CORE, LOAD_CORE } from '../gateway/processes.ts';
import { threadCpuUsOf } from '../machine.ts';
import { table } from '../table.ts';
import { startAsked } from './asked-process.ts';
import { addListeners, openStage, startServer, USUAL } from './audience.ts';
import { startLoad, type Load } from './load.ts';
import type { JoinersOrder } from './orders.ts';
import { PACKETS_PER_S } from './rtp.ts';
import type { Settings } from './settings.ts';

const JOINERS = 1_000;
const HEARING = 100;
/** Ends with `stop`. */
const ENDLESS_PACKETS = 3_600 * PACKETS_PER_S;

const received = z.object({ p50Ms: z.number(), allMs: z.number() });

/**
 * 1,000 participants of a room ask for transport and consumer at the same moment, as after the death of a worker, through the media server's own
 * signalling, rooms and peers. Meanwhile 100 others of the same room are spoken to. Speaker and listeners share the worker's core, where they hardly
 * need any time, so that the busy clients on the other do not delay them.
 */
export async function joins({ seconds }: Settings): Promise<object> {
  const server = await startServer(1);
  const { kit, pids } = server;
  const load = await startLoad(GATEWAY_CORE);
  const stage = await openStage(server);
  await addListeners(stage, USUAL, HEARING, load);
  const { liveRoomId } = stage;
  const { client } = await kit.enter({ liveRoomId });
  const producerId = await produce(client);
  const joiners = startAsked<JoinersOrder>('joiners-process.ts', LOAD_CORE);
  await joiners.ask({ kind: 'enter', urls: [kit.url], liveRoomId, count: JOINERS });

  const speaking = load.speak(stage.port, stage.ssrc, ENDLESS_PACKETS);
  const quiet = await gaps(load, () => new Promise((resolve) => setTimeout(resolve, seconds * 1_000)));
  const pid = pids[0] ?? 0;
  const beforeUs = threadCpuUsOf(pid);
  const busy = await gaps(load, async () =>
    received.parse(await joiners.ask({ kind: 'receive', producerId })),
  );
  const usedUs = threadCpuUsOf(pid) - beforeUs;
  load.stop();
  await speaking;
  await Promise.all([joiners.end(), load.end(), kit.close()]);

  console.log(
    `\njoins: ${JOINERS} participants ask for transport and consumer at once, ${HEARING} others listen\n`,
  );
  const row = (name: string, { report }: { report: Awaited<ReturnType<Load['arrived']>> }) => [
    name,
    report.longestGapMs.toFixed(1),
    report.delayP50Ms.toFixed(2),
    report.delayP99Ms.toFixed(1),
    String(report.lost),
  ];
  const head = ['', 'longest gap between packets ms', 'delay p50 ms', 'delay p99 ms', 'lost'];
  console.log(table(head, [row('before', quiet), row('while they join', busy)]));
  const { p50Ms, allMs } = busy.result;
  console.log(
    `\nall served after ${allMs.toFixed(0)} ms, half after ${p50Ms.toFixed(0)} ms; worker CPU ${(usedUs / JOINERS).toFixed(0)} µs per participant`,
  );
  return {};
}

/** What listeners noticed while `during` lasted. */
async function gaps<T>(load: Load, during: () => Promise<T>) {
  await load.reset();
  const result = await during();
  return { result, report: await load.arrived(0) };
}
