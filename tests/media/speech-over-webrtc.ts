import { createPacketWriter, readHeader, readPayload, streamOf } from '../bench/audio/rtp.ts';
import { createSrtpReader } from '../bench/audio/srtp.ts';
import { connectTransport, NEGOTIATED } from '../bench/audio/webrtc/client-transport.ts';
import type { Identity } from '../bench/audio/webrtc/dtls.ts';
import type { MediaKit } from './media-kit.ts';
import { Observed } from './observed.ts';

/** Somebody who speaks and somebody who listens, each connected by ICE, DTLS and SRTP as a browser is. */
export async function speechOverWebRtc(kit: MediaKit, identity: Identity, ssrc: number) {
  const [speaker, listener] = [await kit.enter(), await kit.enter({ role: 'LISTENER' })];
  /** Numbers of the packets that the listener has got and authenticated. */
  const heard = new Observed<number>();
  let read = (_packet: Buffer) => {};
  const mouth = await connectTransport(speaker.client, 'send', identity, () => undefined);
  const ear = await connectTransport(listener.client, 'recv', identity, (packet) => read(packet));
  const { producerId } = await speaker.client.request('produce', {
    transportId: mouth.transportId,
    rtpParameters: streamOf(ssrc),
  });
  const { consumerId } = await listener.client.request('consume', { producerId });
  const open = createSrtpReader(NEGOTIATED, ear.readerKey);
  read = (packet) => {
    const header = readHeader(packet);
    if (header) heard.add(readPayload(open(packet, header.bytes)).count);
  };
  await listener.client.request('resumeConsumer', { consumerId });
  const next = createPacketWriter(ssrc);
  return {
    speaker,
    listener,
    mouth,
    ear,
    heard,
    /** Sends the next packet, counted from 0. */
    say() {
      const packet = next(0n);
      mouth.send(packet, readHeader(packet)?.bytes ?? 0);
    },
    close() {
      mouth.close();
      ear.close();
    },
  };
}
