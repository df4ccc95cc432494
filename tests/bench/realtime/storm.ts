import { table } from '../table.ts';
import { startGateway } from './gateways.ts';
import { addressesOf } from './addresses.ts';
import { connectAll, Listener, Room } from './listeners.ts';
import { publishAt } from './publishing.ts';
import type { RunningSubgraphs } from './subgraphs.ts';
import type { Settings } from './settings.ts';
import { until } from './until.ts';

export interface StormFigures {
  readonly sockets: number;
  readonly seconds: number;
  readonly lost: number;
  readonly duplicated: number;
}

const EVENTS_PER_S = 5;
const ROOMS = 20;
const GIVE_UP_MS = 120_000;
const RETRY_MS = 200;

/**
 * Sockets in rooms where things go on lose their gateway to SIGKILL, and come back to another one behind the last event that they have. A lost or
 * repeated event is seen by each listener, which expects every event once.
 */
export async function storm(
  sockets: number,
  subgraphs: RunningSubgraphs,
  settings: Settings,
): Promise<StormFigures> {
  const [first, second] = [await startGateway('veza', subgraphs), await startGateway('veza', subgraphs)];
  const rooms = Array.from({ length: ROOMS }, (_, at) => new Room(`storm-${at}-${performance.now()}`));
  const listeners = Array.from({ length: sockets }, (_, at) => new Listener(rooms[at % ROOMS] as Room));
  await connectAll(listeners, addressesOf(first.port));
  let published = 0;
  const publish = () => {
    published += 1;
    for (const room of rooms) subgraphs.publish(room.id);
  };
  await publishAt(EVENTS_PER_S, settings.seconds, publish);
  // Rooms begin with their first event.
  const isCaughtUp = () => listeners.every(({ seq }) => seq === published);
  await until(isCaughtUp, 'events before the storm are missing', GIVE_UP_MS);

  const lostAtMs = performance.now();
  for (const listener of listeners)
    listener.onClosed = () => void comeBack(listener, second.port, listeners.indexOf(listener));
  await first.end();
  const publishing = publishAt(EVENTS_PER_S, settings.seconds, publish);
  await until(
    () => listeners.every(({ isClosed }) => !isClosed) && isCaughtUp(),
    'not all came back',
    GIVE_UP_MS,
  );
  const seconds = (performance.now() - lostAtMs) / 1_000;
  await publishing;
  await until(isCaughtUp, 'events after the storm are missing', GIVE_UP_MS);
  const cpuMs = second.cpuMs();
  const lost = sum(listeners, (listener) => listener.lost);
  const duplicated = sum(listeners, (listener) => listener.duplicated);
  const fault = rooms.find((room) => room.fault !== null)?.fault;
  if (fault) throw new Error(fault);
  for (const listener of listeners) listener.destroy();
  await second.end();
  console.log(
    `\nstorm: ${sockets} sockets in ${ROOMS} rooms lose their gateway, ${EVENTS_PER_S} events/s in each\n`,
  );
  console.log(
    table(
      [
        'sockets',
        'seconds until all had everything',
        'lost',
        'duplicated',
        'refused for a while',
        'gateway CPU ms/socket',
      ],
      [
        [
          `${sockets}`,
          seconds.toFixed(1),
          `${lost}`,
          `${duplicated}`,
          `${sum(listeners, ({ refusals }) => refusals)}`,
          (cpuMs / sockets).toFixed(2),
        ],
      ],
    ),
  );
  return { sockets, seconds, lost, duplicated };
}

const sum = <T>(values: readonly T[], of: (value: T) => number) =>
  values.reduce((total, value) => total + of(value), 0);

async function comeBack(listener: Listener, port: number, index: number): Promise<void> {
  for (;;) {
    try {
      return await listener.connect(addressesOf(port)(index));
    } catch {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS * (0.5 + Math.random())));
    }
  }
}
