import type { SocketAddress } from './socket.ts';

/** One address to the same port has some 28,000 ports. */
const SOCKETS_PER_ADDRESS = 20_000;
const NETWORKS = 250;

/** A network of this machine for each process: ports of connections that were closed lately are not free yet. */
const network = `127.${1 + (process.pid % NETWORKS)}`;

/** Where the socket of that index comes from: as many addresses as it takes. */
export const addressesOf =
  (port: number) =>
  (index: number): SocketAddress => ({
    port,
    localAddress: `${network}.0.${1 + Math.floor(index / SOCKETS_PER_ADDRESS)}`,
  });
