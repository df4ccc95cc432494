import type { types } from 'mediasoup';
import { rtpCapabilities, type RtpCapabilities } from '#schema/rtp.ts';
import type { MediaWorker } from '../workers.ts';

/** A room's share of one worker. Everything on it is closed with the router, or dies with its worker. */
export interface RoomRouter {
  readonly host: MediaWorker;
  readonly router: types.Router;
  readonly rtpCapabilities: RtpCapabilities;
  /** Peers that are placed here. */
  seats: number;
}

const OPUS: types.RouterRtpCodecCapability = {
  kind: 'audio',
  mimeType: 'audio/opus',
  clockRate: 48_000,
  channels: 2,
};

/** All routers of all rooms offer the same, so a device's answer to one of them fits any other. */
export async function createRoomRouter(host: MediaWorker): Promise<RoomRouter> {
  const router = await host.worker.createRouter({ mediaCodecs: [OPUS] });
  host.rooms++;
  router.observer.once('close', () => host.rooms--);
  return { host, router, rtpCapabilities: audioCapabilities(router), seats: 0 };
}

// A router lists the header extensions of video too, whatever its codecs are.
function audioCapabilities({ rtpCapabilities: all }: types.Router): RtpCapabilities {
  const headerExtensions = all.headerExtensions?.filter(({ kind }) => kind === 'audio');
  return rtpCapabilities.parse({ ...all, headerExtensions });
}
