import type { types } from 'mediasoup';
import type { Log } from '#platform/log.ts';
import { MAX_LEVELS } from '#schema/signalling.ts';
import { levelOfDbov, SILENCE_DBOV } from '../domain/levels.ts';
import type { RoomRouter } from './room-router.ts';
import type { StreamUse } from './shared-streams.ts';
import { withLateStreams } from './late-stream.ts';
import { senderOf, type RoomStream, type Supply } from './supply.ts';

/** What the observers heard: participants by producer. */
export interface SpeakerObserver {
  /** At most five times a second, loudest first; an empty list once when all fall silent. */
  readonly onLevels: (levels: { participantId: string; level: number }[]) => void;
  readonly onDominant: (participantId: string | null) => void;
  /** The stream is measured from now on, on that router. */
  readonly onWatched: (producer: types.Producer, router: types.Router) => void;
}

// mediasoup passes over whoever sent fewer than ten packets in an interval; browsers send one every 20 ms, and some come late.
const LEVELS_INTERVAL_MS = 300;

interface Post {
  readonly place: RoomRouter;
  readonly observers: Promise<types.RtpObserver[]>;
  readonly watched: Map<string, Watched>;
}

interface Watched {
  /** Null while it is on its way. */
  use: StreamUse | null;
}

/** Measures who speaks, on one router of a room: streams of the others are piped there. */
export class SpeakerWatch {
  readonly #observer: SpeakerObserver;
  readonly #supply: Supply;
  readonly #log: Log;
  #streams: readonly RoomStream[] = [];
  #post: Post | null = null;

  constructor(observer: SpeakerObserver, supply: Supply, log: Log) {
    this.#observer = observer;
    this.#supply = supply;
    this.#log = log;
  }

  /** Watches on that router from now on; null for nowhere. */
  moveTo(place: RoomRouter | null): void {
    const former = this.#post;
    if (former?.place === (place ?? undefined)) return;
    this.#post = place && {
      place,
      observers: createObservers(place.router, this.#observer),
      watched: new Map(),
    };
    this.#post?.observers.catch((error: unknown) => this.#log.debug({ err: error }, 'nobody watches'));
    if (former) leavePost(former);
    this.#reconcile();
  }

  /** All streams of the room, whenever they change; those that could not be had are tried again. */
  follow(streams: readonly RoomStream[]): void {
    this.#streams = streams;
    this.#reconcile();
  }

  #reconcile(): void {
    const post = this.#post;
    if (!post) return;
    const wanted = new Set(this.#streams.map(({ producerId }) => producerId));
    for (const [producerId, { use }] of post.watched) {
      if (wanted.has(producerId)) continue;
      post.watched.delete(producerId);
      use?.release();
    }
    for (const stream of this.#streams) if (!post.watched.has(stream.producerId)) this.#start(post, stream);
  }

  #start(post: Post, stream: RoomStream): void {
    const { producerId } = stream;
    const watched: Watched = { use: null };
    const isWatched = () => this.#post === post && post.watched.get(producerId) === watched;
    const again = () => {
      if (isWatched()) post.watched.delete(producerId);
      this.#reconcile();
    };
    post.watched.set(producerId, watched);
    withLateStreams(this.#add(post, stream, watched, isWatched, again), again).catch((error: unknown) => {
      if (isWatched()) post.watched.delete(producerId);
      this.#log.debug({ err: error, producerId }, 'a stream is not watched');
    });
  }

  async #add(
    post: Post,
    stream: RoomStream,
    watched: Watched,
    isWatched: () => boolean,
    again: () => void,
  ): Promise<void> {
    const { producerId } = stream;
    const observers = await post.observers;
    const use = await this.#supply.bring(stream, post.place);
    // The stream ended meanwhile, or the watch moved.
    if (!isWatched()) return use.release();
    watched.use = use;
    use.producer.observer.once('close', () => {
      use.release();
      // Where its sender is still there, only the way broke. Later, as whoever closes it tells of that next.
      setImmediate(again);
    });
    this.#observer.onWatched(use.producer, use.router);
    await Promise.all(observers.map((one) => one.addProducer({ producerId })));
  }
}

function leavePost({ observers, watched }: Post): void {
  observers.then((all) => all.forEach((one) => one.close())).catch(() => undefined);
  for (const { use } of watched.values()) use?.release();
  watched.clear();
}

const createObservers = (router: types.Router, observer: SpeakerObserver): Promise<types.RtpObserver[]> =>
  Promise.all([observeLevels(router, observer), observeDominance(router, observer)]);

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
