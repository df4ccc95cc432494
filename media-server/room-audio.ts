import type { types } from 'mediasoup';
import type { Log } from '#platform/log.ts';
import type { RoomRouter } from './routing/room-router.ts';
import type { RoomRouters } from './routing/room-routers.ts';
import type { StreamUse } from './routing/shared-streams.ts';
import { SpeakerWatch, type SpeakerObserver } from './routing/speaker-watch.ts';
import { localStream, Supply, type RoomStream } from './routing/supply.ts';
import { SignallingError } from './signalling/signalling-error.ts';
import type { MediaWorker } from './workers.ts';

/** What can be heard in a room, and the routers that carry it on this server. */
export class RoomAudio {
  readonly #routers: RoomRouters;
  readonly #supply = new Supply();
  readonly #watch: SpeakerWatch;
  readonly #streams = new Map<string, RoomStream>();
  #isWatching = true;

  constructor(routers: RoomRouters, observer: SpeakerObserver, log: Log) {
    this.#routers = routers;
    this.#watch = new SpeakerWatch(observer, this.#supply, log);
  }

  get home(): RoomRouter | null {
    return this.#routers.home;
  }

  get routers(): readonly RoomRouter[] {
    return this.#routers.all;
  }

  /** Pipes between the routers. */
  get pipes(): number {
    return this.#supply.pipes;
  }

  /** Opens the home. Rejects with MEDIA_UNAVAILABLE. */
  async open(signal: AbortSignal): Promise<RoomRouter> {
    const home = await this.#routers.openHome(signal);
    this.#moveWatch();
    return home;
  }

  /** What a worker carried is lost with it; the router that was there, or null. */
  lose(dead: MediaWorker): RoomRouter | null {
    const lost = this.#routers.lose(dead);
    if (lost) this.#moveWatch();
    return lost;
  }

  /** A router for somebody who is about to hear everything. Throws MEDIA_UNAVAILABLE. */
  seat(): Promise<RoomRouter> {
    return this.#routers.seat(this.#streams.size);
  }

  leave(place: RoomRouter): void {
    this.#routers.leave(place);
  }

  /** Whether levels are measured and all voices are had here, of the servers that host the room. */
  get isWatching(): boolean {
    return this.#isWatching;
  }

  watch(isWatching: boolean): void {
    this.#isWatching = isWatching;
    this.#moveWatch();
  }

  find(producerId: string): RoomStream | null {
    return this.#streams.get(producerId) ?? null;
  }

  /** The stream of that id as somebody else may hear it. Throws NOT_FOUND. */
  require(producerId: string, listenerId: string): RoomStream {
    const stream = this.find(producerId);
    if (stream && stream.participantId !== listenerId) return stream;
    throw new SignallingError('NOT_FOUND', 'Nobody sends this stream any more.');
  }

  bring(stream: RoomStream, place: RoomRouter): Promise<StreamUse> {
    return this.#supply.bring(stream, place);
  }

  addOwn(producer: types.Producer, router: types.Router): void {
    this.add(localStream(producer, router));
  }

  add(stream: RoomStream): void {
    this.#streams.set(stream.producerId, stream);
    this.follow();
  }

  remove(producerId: string): void {
    this.#streams.delete(producerId);
    this.follow();
  }

  /** Levels are measured of all streams; those that could not be had are tried again. */
  follow(): void {
    this.#watch.follow([...this.#streams.values()]);
  }

  close(): void {
    this.#watch.moveTo(null);
    this.#routers.close();
  }

  #moveWatch(): void {
    this.#watch.moveTo(this.#isWatching ? this.home : null);
  }
}
