import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { createWorker, type types } from 'mediasoup';
import { findWorker } from '../../media-server/worker/find-worker.mjs';
import { createPacketWriter, readHeader, readPayload, streamOf } from '../bench/audio/rtp.ts';
import { createSrtpReader, SUITES, type Suite } from '../bench/audio/srtp.ts';
import { skipWithoutWorker } from './media-kit.ts';

const SSRC = 4_242;
const KEY_BYTES = { AEAD_AES_128_GCM: 28, AEAD_AES_256_GCM: 44, AES_CM_128_HMAC_SHA1_80: 30 };
const listenInfo: types.TransportListenInfo = { protocol: 'udp', ip: '127.0.0.1' };
const keyFor = (suite: Suite) => Buffer.alloc(KEY_BYTES[suite], 7).toString('base64');

describe('SRTP of the media worker', { skip: skipWithoutWorker }, () => {
  let worker: types.Worker;
  let router: types.Router;
  const sockets: Socket[] = [];
  before(async () => {
    worker = await createWorker({ workerBin: findWorker().path ?? '', logLevel: 'none' });
    const mediaCodecs = [{ kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2 } as const];
    router = await worker.createRouter({ mediaCodecs });
  });
  after(() => {
    for (const socket of sockets) socket.close();
    worker.close();
  });

  const openSocket = async () => {
    const socket = createSocket('udp4');
    sockets.push(socket);
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return { socket, port: socket.address().port };
  };

  /** A stream that is sent to the worker as it is; every call of `speak` sends its next packet. */
  const startSpeaker = async () => {
    const transport = await router.createPlainTransport({ listenInfo, comedia: true });
    const producer = await transport.produce({ kind: 'audio', rtpParameters: streamOf(SSRC) });
    const { socket } = await openSocket();
    const next = createPacketWriter(SSRC);
    const speak = () => socket.send(next(0n), transport.tuple.localPort, '127.0.0.1');
    return { transport, producer, speak };
  };

  const consume = async (producer: types.Producer, port: number, suite?: Suite) => {
    const protection = suite && { enableSrtp: true, srtpCryptoSuite: suite };
    const transport = await router.createPlainTransport({ listenInfo, ...protection });
    const srtpParameters = suite && { cryptoSuite: suite, keyBase64: keyFor(suite) };
    await transport.connect({ ip: '127.0.0.1', port, srtpParameters });
    const { rtpCapabilities } = router;
    const consumer = await transport.consume({ producerId: producer.id, rtpCapabilities });
    return { consumer, keyBase64: transport.srtpParameters?.keyBase64 ?? '' };
  };

  for (const suite of SUITES) {
    test(`${suite}: what a listener gets is authentic and what was said`, async () => {
      const { transport, producer, speak } = await startSpeaker();
      const { socket, port } = await openSocket();
      const { keyBase64 } = await consume(producer, port, suite);
      const read = createSrtpReader(suite, keyBase64);
      const counts: number[] = [];
      const packets = rtpOf(socket);
      for (let count = 0; count < 20; count += 1) {
        speak();
        const { packet, bytes } = await packets.next();
        counts.push(readPayload(read(packet, bytes)).count);
      }
      assert.deepEqual(
        counts,
        Array.from({ length: 20 }, (_, count) => count),
      );
      transport.close();
    });

    test(`${suite}: a speaker's packet that was altered on its way is heard by nobody`, async () => {
      const { transport, producer, speak } = await startSpeaker();
      const relay = await openSocket();
      const { consumer, keyBase64 } = await consume(producer, relay.port, suite);
      const inward = await router.createPlainTransport({
        listenInfo,
        comedia: true,
        enableSrtp: true,
        srtpCryptoSuite: suite,
      });
      await inward.connect({ srtpParameters: { cryptoSuite: suite, keyBase64 } });
      const { rtpParameters } = consumer;
      const relayed = await inward.produce({ kind: 'audio', rtpParameters });
      const end = await openSocket();
      await consume(relayed, end.port);
      const [protectedOnes, heard] = [rtpOf(relay.socket), rtpOf(end.socket)];
      const heardCounts: number[] = [];
      for (let count = 0; count < 24; count += 1) {
        speak();
        const { packet, bytes } = await protectedOnes.next();
        const forward = (one: Buffer) => relay.socket.send(one, inward.tuple.localPort, '127.0.0.1');
        // By turns in the header, in the payload and in the tag. Whatever of it came through would be heard before the next whole packet.
        const at = [3, bytes + 5, packet.length - 1][count % 3] ?? 0;
        if (count % 2 === 1) forward(alteredAt(packet, at));
        else {
          forward(packet);
          const { packet: plain, bytes: headerBytes } = await heard.next();
          heardCounts.push(readPayload(plain.subarray(headerBytes)).count);
        }
      }
      assert.deepEqual(
        heardCounts,
        Array.from({ length: 12 }, (_, number) => 2 * number),
      );
      transport.close();
    });
  }
});

function alteredAt(packet: Buffer, at: number): Buffer {
  const altered = Buffer.from(packet);
  altered.writeUInt8(altered.readUInt8(at) ^ 1, at);
  return altered;
}

/** Packets as they arrive, without RTCP; each is kept until it is asked for. */
function rtpOf(socket: Socket) {
  const arrived: { packet: Buffer; bytes: number }[] = [];
  let wake: () => void = () => undefined;
  socket.on('message', (packet) => {
    const header = readHeader(packet);
    if (header) arrived.push({ packet, bytes: header.bytes });
    wake();
  });
  const next = async () => {
    for (;;) {
      const first = arrived.shift();
      if (first) return first;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  return { next };
}
