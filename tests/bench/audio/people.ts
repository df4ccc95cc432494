import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { startMesh } from '../../media/mesh-kit.ts';
import { GATEWAY_CORE, LOAD_CORE } from '../gateway/processes.ts';
import { cpuMsOfThis } from '../machine.ts';
import { table } from '../table.ts';
import { startAsked } from './asked-process.ts';
import { openStage, startServer } from './audience.ts';
import { startLoad } from './load.ts';
import type { JoinersOrder } from './orders.ts';
import { followers } from './followers.ts';
import { PACKETS_PER_S } from './rtp.ts';
import type { Settings } from './settings.ts';

const SIZES = [100, 250, 1_000] as const;
/** Ends with `stop`. */
const ENDLESS_PACKETS = 3_600 * PACKETS_PER_S;

const told = z.object({ bytes: z.number() });

/** What it takes that many people are in one room: of media servers for each who joins, and of the line of everybody who is in. */
export async function people(settings: Settings): Promise<object> {
  const alone: string[][] = [];
  for (const size of SIZES) alone.push(await onOneServer(size, settings));
  const spread: string[][] = [];
  for (const size of SIZES) spread.push(await onTwoServers(size));
  console.log('\npeople: one room, on one media server; one speaker is heard, and measured\n');
  const head = ['listeners', 'CPU ms per join', 'bytes per participant and minute'];
  console.log(table(head, alone));
  console.log('\nthe same room on two media servers, both in one process\n');
  console.log(table(head.slice(0, 2), spread));
  await followers(SIZES);
  return {};
}

async function onOneServer(size: number, { seconds }: Settings): Promise<string[]> {
  const server = await startServer(1);
  const load = await startLoad(GATEWAY_CORE);
  const { liveRoomId, port, ssrc } = await openStage(server);
  const joiners = startAsked<JoinersOrder>('joiners-process.ts', LOAD_CORE);
  const { kit } = server;
  const joining = await cpuMsOfThis(() =>
    joiners.ask({ kind: 'enter', urls: [kit.url], liveRoomId, count: size }),
  );
  const speaking = load.speak(port, ssrc, ENDLESS_PACKETS);
  // What was still to be told of those who came.
  await delay(seconds * 1_000);
  await joiners.ask({ kind: 'told' });
  const fromMs = performance.now();
  await delay(seconds * 1_000);
  const { bytes } = told.parse(await joiners.ask({ kind: 'told' }));
  const minutes = (performance.now() - fromMs) / 60_000;
  load.stop();
  await speaking;
  await Promise.all([joiners.end(), load.end(), kit.close()]);
  return [String(size), (joining / size).toFixed(2), (bytes / size / minutes).toFixed(0)];
}

async function onTwoServers(size: number): Promise<string[]> {
  const mesh = await startMesh(2, { maxPeersPerRoom: size });
  const joiners = startAsked<JoinersOrder>('joiners-process.ts', LOAD_CORE);
  const { liveRoomId } = mesh;
  const urls = mesh.servers.map(({ url }) => url);
  const joining = await cpuMsOfThis(() => joiners.ask({ kind: 'enter', urls, liveRoomId, count: size }));
  await joiners.end();
  await mesh.close();
  return [String(size), (joining / size).toFixed(2)];
}
