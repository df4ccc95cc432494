import { table } from '../table.ts';
import { startGateway, type RunningGateway } from './gateways.ts';
import type { RunningSubgraphs } from './subgraphs.ts';
import { startSwarm, type Swarm } from './swarm.ts';

export interface IdleFigures {
  readonly sockets: number;
  readonly kibPerSocket: number;
  readonly dropped: number;
}

/** A process of the load or a gateway may have some 20,000 files, and each socket is one at either end. */
const SOCKETS_PER_PROCESS = 9_000;
const SOCKETS_PER_GATEWAY = 18_000;
const ROOMS = 100;
const SETTLE_MS = 10_000;

/** Subscribed sockets on which nothing happens: what each costs, and whether any is lost. */
export async function idle(
  sockets: number,
  seconds: number,
  subgraphs: RunningSubgraphs,
): Promise<IdleFigures> {
  const gateways: HeldGateway[] = [];
  for (let from = 0; from < sockets; from += SOCKETS_PER_GATEWAY)
    gateways.push(await fill(subgraphs, from, Math.min(SOCKETS_PER_GATEWAY, sockets - from)));
  await settled();
  const sum = (of: (held: HeldGateway) => number) => gateways.reduce((total, held) => total + of(held), 0);
  const heldMb = sum(({ gateway }) => gateway.rssMb());
  const kibPerSocket = ((heldMb - sum(({ emptyMb }) => emptyMb)) * 1e6) / 1024 / sockets;
  const cpuMs = sum(({ gateway }) => gateway.cpuMs());
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const core = (sum(({ gateway }) => gateway.cpuMs()) - cpuMs) / (seconds * 1_000);
  for (let room = 0; room < ROOMS; room += 1) subgraphs.publish(`idle-${room}`);
  const swarms = gateways.flatMap((held) => held.swarms);
  const states = await Promise.all(swarms.map((swarm) => swarm.allDelivered()));
  const dropped = states.reduce((total, state) => total + state.dropped, 0);
  for (const swarm of swarms) await swarm.end();
  for (const { gateway } of gateways) await gateway.end();
  console.log(
    `\nidle: ${sockets} subscribed sockets in ${ROOMS} rooms at ${gateways.length} gateways for ${seconds} s, then an event for each\n`,
  );
  console.log(
    table(
      ['sockets', 'KiB RSS each', 'RSS MB', 'dropped', 'core % while idle'],
      [[`${sockets}`, kibPerSocket.toFixed(1), heldMb.toFixed(0), `${dropped}`, (100 * core).toFixed(1)]],
    ),
  );
  return { sockets, kibPerSocket, dropped };
}

interface HeldGateway {
  readonly gateway: RunningGateway;
  /** Its memory before, with its upstreams and a first socket for each. */
  readonly emptyMb: number;
  readonly swarms: readonly Swarm[];
}

async function fill(subgraphs: RunningSubgraphs, from: number, count: number): Promise<HeldGateway> {
  const gateway = await startGateway('veza', subgraphs);
  const { port } = gateway;
  const first = await startSwarm({ port, from, count: ROOMS, rooms: ROOMS });
  await settled();
  const emptyMb = gateway.rssMb();
  const swarms = [first];
  for (let at = ROOMS; at < count; at += SOCKETS_PER_PROCESS)
    swarms.push(
      await startSwarm({
        port,
        from: from + at,
        count: Math.min(SOCKETS_PER_PROCESS, count - at),
        rooms: ROOMS,
      }),
    );
  return { gateway, emptyMb, swarms };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
