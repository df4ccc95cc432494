import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * A network between clients and a server, TCP and UDP, that dies without a word: what it does not carry it swallows, and nobody is told. A client's
 * connection, or its UDP port, that it has swallowed anything of stays dead.
 */
export interface SilentNetwork {
  /** Connections and UDP ports that it has carried anything of, and how many of them are dead. */
  readonly counts: { tcp: number; udp: number; dead: number };
  /** What begins from now on belongs to that client. */
  owner: string;
  /** Everything that stands is dead, of that client alone where one is named. What begins later is carried. */
  die(owner?: string): void;
  /** As `die`, and so is everything that begins until `open` is called. */
  darken(owner?: string): void;
  open(): void;
  close(): Promise<void>;
}

/** One client's connection, or its UDP port. */
interface Flow {
  readonly owner: string;
  dead: boolean;
  end(): void;
}

/** Listens at `from`, TCP and UDP, and carries everything to `to`. */
export async function startSilentNetwork(from: Endpoint, to: Endpoint): Promise<SilentNetwork> {
  const counts = { tcp: 0, udp: 0, dead: 0 };
  const flows = new Set<Flow>();
  let isDark = (_owner: string) => false;
  const closers: (() => Promise<unknown>)[] = [];
  const network: SilentNetwork = {
    counts,
    owner: '',
    die(owner) {
      for (const flow of flows) {
        if (flow.dead || (owner !== undefined && flow.owner !== owner)) continue;
        flow.dead = true;
        counts.dead += 1;
      }
    },
    darken(owner) {
      isDark = (one) => owner === undefined || one === owner;
      network.die(owner);
    },
    open: () => void (isDark = () => false),
    async close() {
      for (const { end } of flows) end();
      await Promise.all(closers.map((close) => close()));
    },
  };
  const start = (kind: 'tcp' | 'udp', end: () => void): Flow => {
    const { owner } = network;
    const flow = { owner, dead: isDark(owner), end };
    counts[kind] += 1;
    if (flow.dead) counts.dead += 1;
    flows.add(flow);
    return flow;
  };
  closers.push(await relayTcp(from, to, start), await relayUdp(from, to, start));
  return network;
}

type Start = (kind: 'tcp' | 'udp', end: () => void) => Flow;

async function relayTcp(
  { host, port }: Endpoint,
  to: Endpoint,
  start: Start,
): Promise<() => Promise<unknown>> {
  const server = createServer((client) => {
    const target = connect(to.port, to.host);
    const ends = [client, target];
    const flow = start('tcp', () => ends.forEach((one) => one.destroy()));
    const carry = (source: Socket, sink: Socket) => {
      source.on('data', (data) => flow.dead || sink.write(data));
      // A connection that is dead does not even end.
      source.on('error', () => undefined).once('close', () => flow.dead || sink.destroy());
    };
    carry(client, target);
    carry(target, client);
  }).listen(port, host);
  await once(server, 'listening');
  return () => new Promise((resolve) => server.close(resolve));
}

async function relayUdp(
  { host, port }: Endpoint,
  to: Endpoint,
  start: Start,
): Promise<() => Promise<unknown>> {
  const inside = createSocket('udp4');
  const outside = new Map<string, { readonly socket: UdpSocket; readonly flow: Flow }>();
  const translate = (client: Endpoint) => {
    const socket = createSocket('udp4');
    const flow = start('udp', () => socket.close());
    socket.on('message', (data) => flow.dead || inside.send(data, client.port, client.host));
    // Nobody is there while the server is being replaced.
    socket.on('error', () => undefined);
    return { socket, flow };
  };
  inside.on('message', (data, { address, port: clientPort }) => {
    const client = `${address}:${clientPort}`;
    const known = outside.get(client) ?? translate({ host: address, port: clientPort });
    outside.set(client, known);
    if (!known.flow.dead) known.socket.send(data, to.port, to.host);
  });
  inside.bind(port, host);
  await once(inside, 'listening');
  return () => new Promise<void>((resolve) => inside.close(resolve));
}
