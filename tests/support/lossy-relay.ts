import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { seededRandom } from './random.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface LossyRelayOptions {
  readonly from: Address;
  readonly to: Address;
  readonly seed: number;
  /** Share of the datagrams that are lost, 0 to 1, each way. */
  readonly loss: number;
  /** Every datagram is late by a random time up to this: they overtake each other. */
  readonly maxDelayMs: number;
}

/** A bad network between clients and a server: UDP through a router of its own. */
export interface LossyRelay {
  /** Datagrams that were lost so far, and those that came through. */
  readonly counts: { lost: number; passed: number };
  /** From now on another share of the datagrams is lost. */
  lose(share: number): void;
  /** Nothing comes through any more. */
  block(): void;
  open(): void;
  /** As a router that forgets its translations: every client comes from another port from now on, and what is sent to the former one is lost. */
  rebind(): void;
  close(): Promise<void>;
}

export async function startLossyRelay(options: LossyRelayOptions): Promise<LossyRelay> {
  const { from, to, maxDelayMs } = options;
  const random = seededRandom(options.seed);
  const counts = { lost: 0, passed: 0 };
  const outside = new Map<string, Socket>();
  let { loss } = options;
  let blocked = false;

  const pass = (send: () => void) => {
    const isLost = random() < loss || blocked;
    counts[isLost ? 'lost' : 'passed'] += 1;
    if (!isLost) setTimeout(send, random() * maxDelayMs);
  };
  const inside = createSocket('udp4');
  const translate = (port: number, address: string): Socket => {
    const socket = createSocket('udp4');
    outside.set(`${address}:${port}`, socket);
    socket.on('message', (data) => pass(() => sendIfOpen(inside, data, { host: address, port })));
    return socket;
  };
  inside.on('message', (data, { port, address }) => {
    const socket = outside.get(`${address}:${port}`) ?? translate(port, address);
    pass(() => sendIfOpen(socket, data, to));
  });
  const forget = () => {
    for (const socket of outside.values()) socket.close();
    outside.clear();
  };
  inside.bind(from.port, from.host);
  await once(inside, 'listening');
  return {
    counts,
    lose: (share) => void (loss = share),
    block: () => void (blocked = true),
    open: () => void (blocked = false),
    rebind: forget,
    async close() {
      forget();
      const closed = once(inside, 'close');
      inside.close();
      await closed;
    },
  };
}

// What is on its way when a socket is closed is lost, as in a real router.
function sendIfOpen(socket: Socket, data: Buffer, { host, port }: Address): void {
  try {
    socket.send(data, port, host);
  } catch (error) {
    const isClosed =
      error instanceof Error && 'code' in error && error.code === 'ERR_SOCKET_DGRAM_NOT_RUNNING';
    if (!isClosed) throw error;
  }
}
