import { setTimeout as delay } from 'node:timers/promises';
import { createWorker, type types } from 'mediasoup';
import { SILENT_FRAME } from '../../media-server/domain/opus-packet.ts';
import { createVoices, type Voices } from '../../media-server/voices.ts';

const PAYLOAD_TYPE = 111;
const PACKET_MS = 20;
const PACKET_SAMPLES = 960;

/** Speakers on a real media worker, who send plain RTP instead of WebRTC. */
export interface Stage {
  readonly voices: Voices;
  readonly liveRoomId: string;
  /** Opens a microphone that sends `packets`, round and round. */
  speaker(participantId: string, packets?: readonly Buffer[]): Promise<Speaker>;
  close(): void;
}

export interface Speaker {
  readonly producer: types.Producer;
  /** Sends for that long, in real time. */
  speak(ms: number): Promise<void>;
  /** Lets time pass without sending; `counting`: as if packets had been left out, else as if the sender's clock had stood still. */
  rest(ms: number, counting: boolean): Promise<void>;
}

export async function openStage(workerBin: string, liveRoomId: string): Promise<Stage> {
  const worker = await createWorker({ workerBin });
  const codec = { kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2 } as const;
  const router = await worker.createRouter({ mediaCodecs: [codec] });
  const voices = createVoices();
  let ssrc = 1_000;
  return {
    voices,
    liveRoomId,
    async speaker(participantId, packets = [SILENT_FRAME]) {
      const transport = await router.createDirectTransport();
      const codecs = [{ ...codec, payloadType: PAYLOAD_TYPE }];
      const encoding = { ssrc: ++ssrc };
      const producer = await transport.produce({
        kind: 'audio',
        rtpParameters: { codecs, encodings: [encoding] },
      });
      voices.opened(liveRoomId, { participantId, producer, router });
      return createSpeaker(producer, packets, encoding.ssrc);
    },
    close: () => worker.close(),
  };
}

function createSpeaker(producer: types.Producer, packets: readonly Buffer[], ssrc: number): Speaker {
  // Near the end of what a sequence number and a timestamp can hold: both wrap around in every test.
  let sequence = 65_500;
  let timestamp = 2 ** 32 - 30_000;
  const send = (payload: Buffer) => {
    const header = Buffer.alloc(12);
    header.writeUInt8(0x80, 0);
    header.writeUInt8(PAYLOAD_TYPE, 1);
    header.writeUInt16BE(sequence++ & 0xffff, 2);
    header.writeUInt32BE(timestamp % 2 ** 32, 4);
    header.writeUInt32BE(ssrc, 8);
    timestamp += PACKET_SAMPLES;
    producer.send(Buffer.concat([header, payload]));
  };
  return {
    producer,
    async speak(ms) {
      const startedMs = performance.now();
      for (let sent = 0; sent * PACKET_MS < ms; sent++) {
        await delay(Math.max(0, startedMs + sent * PACKET_MS - performance.now()));
        send(packets[sent % packets.length] ?? SILENT_FRAME);
      }
      await delay(Math.max(0, startedMs + ms - performance.now()));
    },
    async rest(ms, counting) {
      if (counting) timestamp += Math.round(ms * 48);
      await delay(ms);
    },
  };
}
