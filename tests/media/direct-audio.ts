import { observer, type types } from 'mediasoup';
import { Observed } from './observed.ts';

/** One packet that reached a consumer. */
export interface Heard {
  readonly consumerId: string;
  readonly producerId: string;
  readonly payload: string;
}

const OPUS_PAYLOAD_TYPE = 111;
const RTP_HEADER_BYTES = 12;

/**
 * Lets tests send and hear RTP without WebRTC: every transport that media servers of this process offer to clients becomes a direct one, whose
 * packets a test hands in and takes out itself. Routers, pipes, producers and consumers are the real ones. Call it before servers start.
 */
export function interceptTransports() {
  const heard = new Observed<Heard>();
  const producers = new Map<string, types.Producer>();
  const routers = new Set<types.Router>();
  const transports = new Set<types.Transport>();
  let direct = true;
  const watchTransport = (transport: types.Transport) => {
    transports.add(transport);
    transport.observer.once('close', () => transports.delete(transport));
  };
  const onConsumer = (consumer: types.Consumer) =>
    consumer.on('rtp', (packet) => {
      const payload = packet.subarray(payloadOffset(packet)).toString();
      heard.add({ consumerId: consumer.id, producerId: consumer.producerId, payload });
    });
  const onRouter = (router: types.Router) => {
    routers.add(router);
    router.observer.once('close', () => routers.delete(router));
    router.observer.on('newtransport', watchTransport);
    const createWebRtcTransport = router.createWebRtcTransport.bind(router);
    Reflect.set(router, 'createWebRtcTransport', async (options: types.WebRtcTransportOptions) => {
      if (!direct) return createWebRtcTransport(options);
      const transport = await router.createDirectTransport();
      transport.observer.on('newproducer', (producer) => producers.set(producer.id, producer));
      transport.observer.on('newconsumer', onConsumer);
      return Object.assign(transport, webRtcFace);
    });
  };
  observer.on('newworker', (worker) => worker.observer.on('newrouter', onRouter));

  let sequence = 0;
  const send = (producerId: string, payload: string): void => {
    const producer = producers.get(producerId);
    if (!producer) throw new Error(`nobody sends ${producerId}`);
    producer.send(rtpPacket(producer, sequence++, payload));
  };
  /** Sends packets of that payload until one of them is heard by each of `consumerIds`: the first may come before a way is open. */
  const say = async (producerId: string, payload: string, consumerIds: readonly string[]): Promise<void> => {
    const timer = setInterval(() => send(producerId, payload), 5);
    const isHeard = (consumerId: string) =>
      heard.find((one) => one.consumerId === consumerId && one.payload === payload);
    await Promise.all(consumerIds.map(isHeard)).finally(() => clearInterval(timer));
  };

  /** Transports that are made from now on are real ones. */
  const stop = () => void (direct = false);
  return { heard, say, send, routers, transports, stop };
}

export type DirectAudio = ReturnType<typeof interceptTransports>;

// What signalling tells of a WebRTC transport.
const webRtcFace = {
  iceParameters: { usernameFragment: 'direct', password: 'direct' },
  iceCandidates: [],
  dtlsParameters: { fingerprints: [{ algorithm: 'sha-256', value: Array(32).fill('00').join(':') }] },
  dtlsState: 'new',
};

function rtpPacket(producer: types.Producer, sequence: number, payload: string): Buffer {
  const header = Buffer.alloc(RTP_HEADER_BYTES);
  header.writeUInt8(0x80, 0);
  header.writeUInt8(OPUS_PAYLOAD_TYPE, 1);
  header.writeUInt16BE(sequence & 0xffff, 2);
  header.writeUInt32BE((sequence * 960) >>> 0, 4);
  header.writeUInt32BE(producer.rtpParameters.encodings?.[0]?.ssrc ?? 0, 8);
  return Buffer.concat([header, Buffer.from(payload)]);
}

/** Where the payload begins: after contributing sources and header extensions. */
function payloadOffset(packet: Buffer): number {
  const first = packet.readUInt8(0);
  const fixed = RTP_HEADER_BYTES + 4 * (first & 0x0f);
  return first & 0x10 ? fixed + 4 + 4 * packet.readUInt16BE(fixed + 2) : fixed;
}
