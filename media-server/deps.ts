import type { DurableBus, LiveBus } from '#platform/events/ports.ts';
import type { FileStore } from '#platform/files/file-store.ts';
import type { Log } from '#platform/log.ts';
import type { Metrics } from '#platform/metrics.ts';
import type { SingleUse } from '#platform/single-use.ts';
import type { Ffmpeg } from './ffmpeg.ts';
import type { RoomDirectory } from './mesh/room-directory.ts';

/** Where media workers listen for RTP. Both UDP and TCP are used. */
export interface MediaListen {
  readonly ip: string;
  /** Address that is told to browsers where it differs from `ip` (NAT, or `ip` is 0.0.0.0). */
  readonly announcedAddress?: string;
  /** First and last port; each worker takes one UDP and one TCP port from it. */
  readonly minPort: number;
  readonly maxPort: number;
}

/** What a media server needs. It owns none of it: the buses, the log and the metrics outlive it. */
export interface MediaServerDeps {
  readonly listen: MediaListen;
  /** How many workers to run: one uses one core. */
  readonly workerCount: number;
  /** Path of the mediasoup-worker binary, or why there is none; the server then starts and takes nobody in. */
  readonly workerBin: { readonly path: string } | { readonly missing: string };
  readonly maxPeersPerRoom: number;
  /** Folder where recordings grow; what a killed server left there is finished at the start. */
  readonly recordingsFolder: string;
  /** Where recordings go once they are finished. */
  readonly files: FileStore;
  /** Mixes recordings. */
  readonly ffmpeg: Ffmpeg;
  /** Verifies media grants. */
  readonly secret: string;
  /** Knows which grants were used. Default: those that were used with this server. */
  readonly usedGrants?: SingleUse;
  readonly durableBus: DurableBus;
  readonly liveBus: LiveBus;
  /** Where several media servers find out which of them host a room. Left out: this one is the only one. */
  readonly directory?: RoomDirectory;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Shorter limits for tests; each has a default. */
  readonly limits?: Partial<MediaLimits>;
}

export interface MediaLimits {
  /** A socket without a valid grant is closed after this time. */
  readonly authenticationDeadlineMs: number;
  readonly heartbeatMs: number;
  /** A room without peers is closed after this time. */
  readonly emptyRoomGraceMs: number;
  /** Whoever lost their connection is in the room for as long, to others. */
  readonly resumeWindowMs: number;
  /** How often occupancy is reported on the live bus. */
  readonly occupancyMs: number;
  /** How often connections are measured. */
  readonly connectionsMs: number;
  /** A router that feeds as many consumers gets no further peer while another worker is free of its room. */
  readonly maxConsumersPerRouter: number;
}
