import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { consumerMemory } from '../support/durable-consumers.ts';
import { memoryDurableBus } from '#platform/events/durable-bus-memory.ts';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import type { EventFrame } from '#platform/events/ports.ts';
import { createFileStore } from '#platform/files/file-store.ts';
import { listen } from '#platform/http.ts';
import { newId } from '#platform/ids.ts';
import { createLog } from '#platform/log.ts';
import { MEDIA_GRANT_TTL_MS, signMediaGrant, type MediaGrantClaims } from '#platform/media-grant.ts';
import { createMetrics } from '#platform/metrics.ts';
import { MEDIA_CONTROL_TOPIC, type MediaControl } from '#schema/media-bus.ts';
import type { RtpParameters } from '#schema/rtp.ts';
import type { MediaServerDeps } from '../../media-server/deps.ts';
import { findFfmpeg } from '../../media-server/ffmpeg.ts';
import { createMediaServer } from '../../media-server/server.ts';
import { findWorker } from '../../media-server/worker/find-worker.mjs';
import { Observed } from './observed.ts';
import { SignallingClient } from './signalling-client.ts';

export const SECRET = 'a secret of the media tests, 32+ characters';

const worker = findWorker();

/** Why tests with a real worker cannot run here, or false; never skipped in CI. */
export const skipWithoutWorker =
  worker.path === null && !process.env.CI ? `no media worker: ${worker.reason}` : false;

export type MediaKit = Awaited<ReturnType<typeof startMedia>>;

/** A media server with a real worker and a real listener, and everything it says to others. */
export async function startMedia(overrides: Partial<MediaServerDeps> = {}) {
  const durableBus = overrides.durableBus ?? memoryDurableBus();
  const liveBus = overrides.liveBus ?? memoryLiveBus();
  const log = createLog('media-test', 'silent');
  const folder = await mkdtemp(join(tmpdir(), 'veza-media-'));
  const files = await filesIn(join(folder, 'files'));
  const workerBin = worker.path === null ? { missing: worker.reason } : { path: worker.path };
  const events = new Observed<EventFrame>();
  const names = ['media.participantConnected', 'media.participantDisconnected'] as const;
  await consumerMemory().consume(durableBus, 'test', names, (event) => events.add(event));
  const media = await createMediaServer({
    listen: { ip: '127.0.0.1', minPort: 42_000, maxPort: 42_999 },
    workerCount: 1,
    workerBin,
    maxPeersPerRoom: 10,
    recordingsFolder: join(folder, 'recordings'),
    files,
    ffmpeg: findFfmpeg(process.env),
    secret: SECRET,
    log,
    metrics: createMetrics('media-test'),
    ...overrides,
    durableBus,
    liveBus,
  });
  const listener = await listen({ host: '127.0.0.1', port: 0, routes: [], upgrades: [media.upgrade], log });
  const url = `ws://127.0.0.1:${listener.port}/media`;
  const clients: SignallingClient[] = [];
  const liveRoomId = newId('LiveRoom');

  const connect = (protocol?: string | string[]) => {
    const client = new SignallingClient(url, protocol);
    clients.push(client);
    return client;
  };

  /** Authenticates and joins. */
  const enter = async (claims: Partial<MediaGrantClaims> = {}) => {
    const client = connect();
    const grant = grantFor({ liveRoomId, ...claims });
    const welcome = await client.request('authenticate', { token: signMediaGrant(grant, SECRET) });
    const { participants } = await client.request('join', { rtpCapabilities: welcome.routerRtpCapabilities });
    return { client, grant, welcome, participants, participantId: grant.participantId };
  };

  return {
    media,
    url,
    liveBus,
    liveRoomId,
    events,
    connect,
    enter,
    order: (order: MediaControl) => liveBus.publish(MEDIA_CONTROL_TOPIC, order),
    async close() {
      for (const client of clients) await client.close();
      await media.close();
      await listener.close(0);
      await durableBus.close();
      await liveBus.close();
      await rm(folder, { recursive: true });
    },
  };
}

export const filesIn = (folder: string) =>
  createFileStore({ kind: 'disk', folder, publicUrl: 'http://localhost', secret: SECRET });

/** Claims of a speaker, valid for as long as a grant can be. */
export const grantFor = (claims: Partial<MediaGrantClaims> = {}): MediaGrantClaims => ({
  liveRoomId: newId('LiveRoom'),
  participantId: newId('LiveParticipant'),
  userId: newId('User'),
  role: 'SPEAKER',
  expiresAtMs: Date.now() + MEDIA_GRANT_TTL_MS,
  ...claims,
});

/** What a browser sends for one Opus stream. */
export const opusStream = (ssrc: number): RtpParameters => ({
  mid: '0',
  codecs: [
    {
      mimeType: 'audio/opus',
      payloadType: 111,
      clockRate: 48_000,
      channels: 2,
      parameters: { useinbandfec: 1 },
    },
  ],
  headerExtensions: [{ uri: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level', id: 1 }],
  encodings: [{ ssrc }],
  rtcp: { cname: 'test', reducedSize: true },
});

/** Sends one stream; nothing is really transmitted, which signalling does not need. */
export async function produce(client: SignallingClient, ssrc = 11_111): Promise<string> {
  const { transportId } = await client.request('createTransport', { direction: 'send' });
  const { producerId } = await client.request('produce', { transportId, rtpParameters: opusStream(ssrc) });
  return producerId;
}
