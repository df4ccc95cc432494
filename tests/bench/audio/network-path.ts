import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** The way of UDP packets between clients and a media worker, as through a router that translates addresses. */
export interface NetworkPath {
  /** From now on the worker sees all clients at other addresses, and nothing that it sends to the former ones arrives: they have changed the network. */
  change(): void;
  /** From now on everything from the ports that clients have now, and to them, is swallowed: their connections died without a word. */
  die(): void;
  close(): void;
}

/** Takes packets at `address`, and hands them on to the same port of `target`. */
export async function openNetworkPath(address: string, target: string, port: number): Promise<NetworkPath> {
  const inner = createSocket('udp4');
  let outer = new Map<string, Socket>();
  const dead = new Set<string>();
  inner.bind(port, address);
  await once(inner, 'listening');

  const outerFor = ({ address: clientAddress, port: clientPort }: RemoteInfo): Socket => {
    const client = `${clientAddress}:${clientPort}`;
    const known = outer.get(client);
    if (known) return known;
    const socket = createSocket('udp4');
    socket.on('message', (packet) => dead.has(client) || inner.send(packet, clientPort, clientAddress));
    // Nobody is there while the worker is being replaced.
    socket.on('error', () => undefined);
    outer.set(client, socket);
    return socket;
  };
  inner.on('message', (packet, client) => {
    if (!dead.has(`${client.address}:${client.port}`)) outerFor(client).send(packet, port, target);
  });
  const change = () => {
    for (const socket of outer.values()) socket.close();
    outer = new Map();
  };
  return {
    change,
    die() {
      for (const client of outer.keys()) dead.add(client);
    },
    close() {
      change();
      inner.close();
    },
  };
}
