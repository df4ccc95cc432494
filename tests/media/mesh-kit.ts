import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryDurableBus } from '#platform/events/durable-bus-memory.ts';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import { listen, type HttpListener } from '#platform/http.ts';
import { newId } from '#platform/ids.ts';
import { createLog } from '#platform/log.ts';
import { signMediaGrant, type MediaGrantClaims } from '#platform/media-grant.ts';
import { createMetrics } from '#platform/metrics.ts';
import { MEDIA_CONTROL_TOPIC, type MediaControl } from '#schema/media-bus.ts';
import type { RtpCapabilities } from '#schema/rtp.ts';
import type { ParticipantInfo } from '#schema/signalling.ts';
import type { MediaServerDeps } from '../../media-server/deps.ts';
import { findFfmpeg } from '../../media-server/ffmpeg.ts';
import { memoryRoomDirectory } from '../../media-server/mesh/room-directory.ts';
import { createMediaServer, type MediaServer } from '../../media-server/server.ts';
import { findWorker } from '../../media-server/worker/find-worker.mjs';
import { filesIn, grantFor, SECRET } from './media-kit.ts';
import { SignallingClient } from './signalling-client.ts';

export interface MeshServer {
  readonly media: MediaServer;
  readonly listener: HttpListener;
  readonly url: string;
}

/** Somebody in a room, with what a client would show of it. */
export interface MeshPeer {
  readonly client: SignallingClient;
  readonly participantId: string;
  readonly grant: MediaGrantClaims;
  /** Everybody else, by id. */
  readonly roster: Map<string, ParticipantInfo>;
}

export type MeshKit = Awaited<ReturnType<typeof startMesh>>;

/** Media servers that share their buses and a directory, as if Redis and NATS were between them. */
export async function startMesh(count: number, overrides: Partial<MediaServerDeps> = {}) {
  const liveBus = memoryLiveBus();
  const durableBus = memoryDurableBus();
  const directory = memoryRoomDirectory();
  const log = createLog('mesh-test', 'silent');
  const liveRoomId = newId('LiveRoom');
  const clients: SignallingClient[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'veza-mesh-'));
  const files = await filesIn(join(folder, 'files'));
  const worker = findWorker();
  const workerBin = worker.path === null ? { missing: worker.reason } : { path: worker.path };

  /** `reachedAt`: where other servers reach the one that listens on that port. */
  const start = async (
    reachedAt = async (port: number) => `http://127.0.0.1:${port}`,
  ): Promise<MeshServer> => {
    const media = await createMediaServer({
      listen: { ip: '127.0.0.1', minPort: 42_000, maxPort: 42_999 },
      workerCount: 1,
      workerBin,
      maxPeersPerRoom: 1_000,
      recordingsFolder: join(folder, 'recordings'),
      files,
      ffmpeg: findFfmpeg(process.env),
      secret: SECRET,
      liveBus,
      durableBus,
      directory,
      log,
      metrics: createMetrics('mesh-test'),
      ...overrides,
    });
    const { routes, upgrade } = media;
    const listener = await listen({ host: '127.0.0.1', port: 0, routes, upgrades: [upgrade], log });
    const url = `ws://127.0.0.1:${listener.port}/media`;
    await media.announce({ internalUrl: await reachedAt(listener.port), publicUrl: url });
    return { media, listener, url };
  };
  const servers = await Promise.all(Array.from({ length: count }, () => start()));

  /** Authenticates, joins and opens a transport to receive on. */
  const enter = async (server: MeshServer, claims: Partial<MediaGrantClaims> = {}): Promise<MeshPeer> => {
    const client = new SignallingClient(server.url);
    clients.push(client);
    const grant = grantFor({ liveRoomId, ...claims });
    await client.request('authenticate', { token: signMediaGrant(grant, SECRET) });
    const roster = new Map<string, ParticipantInfo>();
    const peer = { client, grant, participantId: grant.participantId, roster };
    await joinAgain(peer);
    return peer;
  };

  return {
    servers,
    liveBus,
    liveRoomId,
    enter,
    directory,
    start: async (reachedAt?: Parameters<typeof start>[0]) => {
      const server = await start(reachedAt);
      servers.push(server);
      return server;
    },
    order: (order: MediaControl) => liveBus.publish(MEDIA_CONTROL_TOPIC, order),
    async close() {
      for (const client of clients) await client.close();
      for (const { media, listener } of servers) {
        await media.close();
        await listener.close(0);
      }
      await durableBus.close();
      await liveBus.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Joins, for the first time or after a `rejoin`. */
export async function joinAgain({ client, roster }: MeshPeer): Promise<void> {
  const { participants } = await client.request('join', { rtpCapabilities: DEVICE });
  roster.clear();
  for (const one of participants) roster.set(one.participantId, one);
  await client.request('createTransport', { direction: 'recv' });
}

export async function hear({ client }: Pick<MeshPeer, 'client'>, producerId: string): Promise<string> {
  const { consumerId } = await client.request('consume', { producerId });
  await client.request('resumeConsumer', { consumerId });
  return consumerId;
}

/** The room on that server, as its status tells it. */
export const roomOn = ({ media }: MeshServer, liveRoomId: string) =>
  media.status().rooms.find((room) => room.liveRoomId === liveRoomId);

/** What a device can receive. */
export const DEVICE: RtpCapabilities = {
  codecs: [
    {
      kind: 'audio',
      mimeType: 'audio/opus',
      preferredPayloadType: 100,
      clockRate: 48_000,
      channels: 2,
    },
  ],
  headerExtensions: [],
};
