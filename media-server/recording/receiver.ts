import type { types } from 'mediasoup';
import { readRtp, type RtpPacket } from '../domain/rtp-packet.ts';
import type { Voice } from '../voices.ts';

export interface Receiver {
  close(): void;
}

/**
 * Takes in the packets of a voice, over the worker's own channel: no port, nothing lost on the way, and nothing is decoded. Ends by itself with the
 * voice. Rejects where the voice is over, or its worker gone.
 */
export async function receiveVoice(
  { producer, router }: Voice,
  onPacket: (packet: RtpPacket) => void,
): Promise<Receiver> {
  const transport: types.DirectTransport = await router.createDirectTransport();
  const close = () => {
    producer.observer.off('close', close);
    transport.close();
  };
  producer.observer.once('close', close);
  try {
    const { rtpCapabilities } = router;
    const consumer = await transport.consume({ producerId: producer.id, rtpCapabilities });
    consumer.on('rtp', (bytes) => {
      const packet = readRtp(bytes);
      if (packet) onPacket(packet);
    });
    return { close };
  } catch (error) {
    close();
    throw error;
  }
}
