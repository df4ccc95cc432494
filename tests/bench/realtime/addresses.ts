import type { SocketAddress } from './socket.ts';

/** One address to the same port has some 28,000 ports. */
const SOCKETS_PER_ADDRESS = 20_000;

/** Where the socket of that index comes from: addresses of this machine, as many as it takes. */
export const addressesOf =
  (port: number) =>
  (index: number): SocketAddress => ({
    port,
    localAddress: `127.0.0.${2 + Math.floor(index / SOCKETS_PER_ADDRESS)}`,
  });
