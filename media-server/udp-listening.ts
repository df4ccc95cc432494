import type { types } from 'mediasoup';

/**
 * What the kernel keeps for a worker that has no turn, in bytes: some five thousand packets of audio, of those who speak in a hundred rooms those of half a
 * second. Linux by itself keeps 270, and loses the rest for everybody who listens. It gives no more than net.core.rmem_max.
 */
const RECEIVE_BUFFER_BYTES = 4 * 1024 ** 2;

/** How a worker's UDP sockets are opened. */
export const udpListening = (
  where: Omit<types.TransportListenInfo, 'protocol' | 'recvBufferSize'>,
): types.TransportListenInfo => ({ ...where, protocol: 'udp', recvBufferSize: RECEIVE_BUFFER_BYTES });
