import type { types } from 'mediasoup';
import { rtpCapabilities, type RtpCapabilities } from '#schema/rtp.ts';
import { levelOfDbov, SILENCE_DBOV } from './domain/levels.ts';
import type { MediaWorker } from './workers.ts';

/** What the observers heard: participants by producer. */
export interface SpeakerObserver {
  /** At most five times a second, loudest first; an empty list once when all fall silent. */
  readonly onLevels: (levels: { participantId: string; level: number }[]) => void;
  readonly onDominant: (participantId: string | null) => void;
}

/** A room's share of a worker: router and observers. Everything on it is closed with the router, or dies with its worker. */
export interface RoomMedia {
  readonly host: MediaWorker;
  readonly router: types.Router;
  readonly rtpCapabilities: RtpCapabilities;
  /** Counts the producer for levels and dominance until it is closed. */
  observe(producer: types.Producer): Promise<void>;
  close(): void;
}

const OPUS: types.RouterRtpCodecCapability = {
  kind: 'audio',
  mimeType: 'audio/opus',
  clockRate: 48_000,
  channels: 2,
};

// mediasoup passes over whoever sent fewer than ten packets in an interval; browsers send one every 20 ms, and some come late.
const LEVELS_INTERVAL_MS = 300;
const MAX_LEVELS = 16;

/** The participant that sends this producer, as the peer noted it. */
export const senderOf = (producer: types.Producer): string => String(producer.appData.participantId);

export async function createRoomMedia(host: MediaWorker, observer: SpeakerObserver): Promise<RoomMedia> {
  const router = await host.worker.createRouter({ mediaCodecs: [OPUS] });
  host.rooms++;
  router.observer.once('close', () => host.rooms--);
  try {
    const observers = await Promise.all([
      observeLevels(router, observer),
      observeDominance(router, observer),
    ]);
    return {
      host,
      router,
      rtpCapabilities: audioCapabilities(router),
      observe: async ({ id }) => {
        await Promise.all(observers.map((one) => one.addProducer({ producerId: id })));
      },
      close: () => router.close(),
    };
  } catch (error) {
    router.close();
    throw error;
  }
}

async function observeLevels(router: types.Router, observer: SpeakerObserver): Promise<types.RtpObserver> {
  const levels = await router.createAudioLevelObserver({
    interval: LEVELS_INTERVAL_MS,
    threshold: SILENCE_DBOV,
    maxEntries: MAX_LEVELS,
  });
  levels.on('volumes', (volumes) =>
    observer.onLevels(
      volumes.map(({ producer, volume }) => ({
        participantId: senderOf(producer),
        level: levelOfDbov(volume),
      })),
    ),
  );
  levels.on('silence', () => observer.onLevels([]));
  return levels;
}

async function observeDominance(router: types.Router, observer: SpeakerObserver): Promise<types.RtpObserver> {
  const dominance = await router.createActiveSpeakerObserver();
  dominance.on('dominantspeaker', ({ producer }) => observer.onDominant(senderOf(producer)));
  return dominance;
}

// A router lists the header extensions of video too, whatever its codecs are.
function audioCapabilities({ rtpCapabilities: all }: types.Router): RtpCapabilities {
  const headerExtensions = all.headerExtensions?.filter(({ kind }) => kind === 'audio');
  return rtpCapabilities.parse({ ...all, headerExtensions });
}
