import { setTimeout as sleep } from 'node:timers/promises';
import { table } from '../table.ts';
import { startGateway } from './gateways.ts';
import type { RunningSubgraphs } from './subgraphs.ts';
import { startSwarm } from './swarm.ts';

export interface ClientsFigures {
  /** Resident memory after each round, all clients gone. */
  readonly rssMb: readonly number[];
}

const ROOMS = 100;
const ROUNDS = 10;
/** For the garbage to be collected, and memory to be given back. */
const SETTLE_MS = 5_000;

/** Clients that come, get an event and go, again and again: what a gateway keeps of them. */
export async function clients(count: number, subgraphs: RunningSubgraphs): Promise<ClientsFigures> {
  const gateway = await startGateway('veza', subgraphs);
  const rssMb: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const swarm = await startSwarm({ port: gateway.port, from: 0, count, rooms: ROOMS });
    for (let room = 0; room < ROOMS; room += 1) subgraphs.publish(`idle-${room}`);
    await swarm.allDelivered();
    await swarm.end();
    await sleep(SETTLE_MS);
    rssMb.push(gateway.rssMb());
  }
  await gateway.end();
  console.log(
    `\nclients: ${count} come, get an event and go, ${ROUNDS} times: RSS of the gateway after each\n`,
  );
  console.log(
    table(
      rssMb.map((_, round) => `${round + 1}`),
      [rssMb.map((mb) => mb.toFixed(0))],
    ),
  );
  return { rssMb };
}
