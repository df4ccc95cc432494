import type { types } from 'mediasoup';
import { SignallingError } from '../signalling/signalling-error.ts';
import { udpListening } from '../udp-listening.ts';
import type { RoomRouter } from './room-router.ts';
import { SharedStreams, type StreamUse } from './shared-streams.ts';

/** Workers of a server hand streams to each other here. */
const WITHIN_HOST = '127.0.0.1';

/** A stream of audio in a room, wherever it is sent. */
export interface RoomStream {
  readonly producerId: string;
  readonly participantId: string;
  readonly paused: () => boolean;
  /** Router of this server on which it can be had without a pipe; null while there is none. */
  readonly entry: () => types.Router | null;
  /** Has it there for as long as it is used. Rejects where it is gone, or does not come. */
  readonly enter: () => Promise<StreamUse>;
}

/** Brings streams to the routers of a room on which somebody hears them: one pipe for each stream and router, while it is used. */
export class Supply {
  readonly #pipes = new SharedStreams();

  /** Pipes between routers of this server. */
  get pipes(): number {
    return this.#pipes.size;
  }

  /** The stream on that router, with the id that it has everywhere. */
  async bring(stream: RoomStream, target: RoomRouter): Promise<StreamUse> {
    const { router } = target;
    if (stream.entry() === router) return stream.enter();
    try {
      return await this.#pipes.use(`${stream.producerId} ${router.id}`, () => pipe(stream, router));
    } catch (error) {
      // The target has become the home meanwhile, where the stream comes in itself.
      if (stream.entry() !== router) throw error;
      return stream.enter();
    }
  }
}

async function pipe(stream: RoomStream, router: types.Router): Promise<Omit<StreamUse, 'release'>> {
  const origin = await stream.enter();
  try {
    const { producerId } = stream;
    const listenInfo = udpListening({ ip: WITHIN_HOST });
    const ways = { router, listenInfo, enableSctp: false };
    const { pipeProducer } = await origin.router.pipeToRouter({ producerId, ...ways });
    if (!pipeProducer) throw new Error('the pipe has no end');
    pipeProducer.observer.once('close', origin.release);
    return { producer: pipeProducer, router };
  } catch (error) {
    origin.release();
    throw error;
  }
}

/** A stream that a peer of this server sends. */
export const localStream = (producer: types.Producer, router: types.Router): RoomStream => ({
  producerId: producer.id,
  participantId: senderOf(producer),
  paused: () => producer.paused,
  entry: () => router,
  enter: async () => {
    if (producer.closed) throw new SignallingError('NOT_FOUND', 'Nobody sends this stream any more.');
    return { producer, router, release: () => undefined };
  },
});

/** The participant that sends this producer, as the peer noted it; pipes hand it on. */
export const senderOf = (producer: types.Producer): string => String(producer.appData.participantId);
