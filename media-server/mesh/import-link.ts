import { setTimeout as delay } from 'node:timers/promises';
import type { types } from 'mediasoup';
import { backoffMs } from '#platform/events/backoff.ts';
import type { Log } from '#platform/log.ts';
import { LINK_LEASE_MS, type LinkAnswer } from '#schema/media-mesh.ts';
import type { MediaListen } from '../deps.ts';
import type { RoomRouter } from '../routing/room-router.ts';
import { LateStream } from '../routing/late-stream.ts';
import { SharedStreams, type StreamUse } from '../routing/shared-streams.ts';
import { SignallingError } from '../signalling/signalling-error.ts';
import type { AskForStreams } from './link-http.ts';
import { connectLink, createLinkTransport, endpointOf } from './link-transport.ts';

/** Whoever wants a stream waits this long for it to come from the other server: what they ask for after it waits as well. */
const ARRIVAL_DEADLINE_MS = 2_000;
/** A stream that came too late waits this long for those who wanted it. */
const CLAIM_DEADLINE_MS = 5_000;
const MAX_BACKOFF_FAILURES = 5;

export interface ImportLinkOptions {
  readonly liveRoomId: string;
  /** This server. */
  readonly serverId: string;
  /** Address of the other. */
  readonly url: string;
  /** Router on which audio comes in; null while the room has none. */
  readonly findHome: () => RoomRouter | null;
  readonly listen: MediaListen;
  readonly ask: AskForStreams;
  /** The other server did not answer. */
  readonly onUnanswered: () => void;
  readonly log: Log;
}

interface Want {
  readonly participantId: string;
  readonly arrived: PromiseWithResolvers<types.Producer>;
  producer: types.Producer | null;
  /** Whether somebody has taken it. */
  isClaimed: boolean;
}

interface Link {
  readonly number: number;
  readonly home: RoomRouter;
  readonly transport: types.PipeTransport;
  /** The other end, once it is known. */
  remoteId: string | null;
  seq: number;
}

// Of this process: a server's id is new with every start, so a later link always has a higher number.
let links = 0;

/** The way on which audio of one other server comes into a room: open while somebody here hears some of it. */
export class ImportLink {
  readonly #options: ImportLinkOptions;
  readonly #streams = new SharedStreams();
  readonly #wants = new Map<string, Want>();
  /** Ends the waiting for each stream that somebody waits for. */
  readonly #waiting = new Set<() => void>();
  readonly #closing = new AbortController();
  readonly #renewal: NodeJS.Timeout;
  #link: Link | null = null;
  #isDue = false;
  #isWorking = false;
  /** The other server did not answer last time, or not in time: nobody waits for it. */
  #isSilent = false;

  constructor(options: ImportLinkOptions) {
    this.#options = options;
    this.#renewal = setInterval(() => this.#link && this.#sync(), LINK_LEASE_MS / 3);
    this.#renewal.unref();
  }

  /** Streams that come in now. */
  get streams(): number {
    return this.#streams.size;
  }

  /** The stream on the room's home. Rejects with NOT_FOUND where it is gone, as LateStream where it does not come in time. */
  use(producerId: string, participantId: string): Promise<StreamUse> {
    return this.#streams.use(producerId, () => this.#import(producerId, participantId));
  }

  /** Its sender says that the stream is paused, or is not any more. */
  async setPaused(producerId: string, paused: boolean): Promise<void> {
    const producer = this.#wants.get(producerId)?.producer;
    await (paused ? producer?.pause() : producer?.resume());
  }

  /** The stream has ended. */
  drop(producerId: string): void {
    const want = this.#wants.get(producerId);
    if (!want) return;
    this.#wants.delete(producerId);
    want.arrived.reject(notFound());
    want.producer?.close();
    this.#sync();
  }

  /** The other end was lost: what came over it has to be had anew. */
  restart(): void {
    this.#link?.transport.close();
  }

  close(): void {
    if (this.#closing.signal.aborted) return;
    clearInterval(this.#renewal);
    for (const producerId of [...this.#wants.keys()]) this.drop(producerId);
    const link = this.#link;
    this.#closing.abort();
    if (link) void this.#hangUp(link);
  }

  async #import(producerId: string, participantId: string): Promise<Omit<StreamUse, 'release'>> {
    const want = this.#wants.get(producerId) ?? this.#add(producerId, participantId);
    const producer = await this.#arrival(want);
    want.isClaimed = true;
    return { producer, router: this.#requireHome().router };
  }

  #add(producerId: string, participantId: string): Want {
    const arrived = Promise.withResolvers<types.Producer>();
    // Whoever waited for it may have been sent away meanwhile.
    arrived.promise.catch(() => undefined);
    const want: Want = { participantId, arrived, producer: null, isClaimed: false };
    this.#wants.set(producerId, want);
    this.#sync();
    return want;
  }

  // It stays wanted when nobody waits any more: they are told when it comes.
  #arrival({ arrived, producer }: Want): Promise<types.Producer> {
    if (producer) return arrived.promise;
    const isThere = arrived.promise.then(
      () => true,
      () => false,
    );
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fellSilent(), ARRIVAL_DEADLINE_MS);
      const settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(sendAway);
      };
      const sendAway = () => {
        settle();
        reject(new LateStream(isThere));
      };
      this.#waiting.add(sendAway);
      void isThere.then(settle);
      arrived.promise.then(resolve, reject);
      if (this.#isSilent) sendAway();
    });
  }

  #fellSilent(): void {
    this.#isSilent = true;
    for (const sendAway of [...this.#waiting]) sendAway();
  }

  /** Brings the other server to what is wanted now; one request at a time. */
  #sync(): void {
    this.#isDue = true;
    if (this.#isWorking || this.#closing.signal.aborted) return;
    this.#isWorking = true;
    void this.#work();
  }

  async #work(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; this.#isDue && !signal.aborted;) {
      this.#isDue = false;
      try {
        await this.#ask();
        failures = 0;
      } catch (error) {
        failures = Math.min(failures + 1, MAX_BACKOFF_FAILURES);
        this.#fellSilent();
        this.#options.onUnanswered();
        this.#options.log.warn({ err: error, url: this.#options.url }, 'another media server sends nothing');
        this.#isDue ||= this.#wants.size > 0;
        await delay(backoffMs(failures), null, { signal }).catch(() => null);
      }
    }
    this.#isWorking = false;
  }

  async #ask(): Promise<void> {
    if (this.#wants.size === 0) {
      const link = this.#link;
      this.#link = null;
      return link ? this.#hangUp(link) : undefined;
    }
    const link = this.#link ?? (await this.#open());
    const wants = [...this.#wants];
    const answer = await this.#request(
      link,
      wants.map(([producerId]) => producerId),
    );
    this.#isSilent = false;
    // Lost meanwhile: what was wanted is asked for over the next one.
    if (link.transport.closed || this.#closing.signal.aborted) return;
    if (answer) await this.#accept(link, answer);
    const there = new Set(answer?.streams.map(({ producerId }) => producerId));
    for (const [producerId, want] of wants) {
      if (there.has(producerId) || this.#wants.get(producerId) !== want) continue;
      this.drop(producerId);
    }
  }

  async #open(): Promise<Link> {
    const home = this.#requireHome();
    const transport = await createLinkTransport(home.router, this.#options.listen);
    const link: Link = { number: ++links, home, transport, remoteId: null, seq: 0 };
    if (this.#closing.signal.aborted) transport.close();
    this.#link = link;
    transport.observer.once('close', () => {
      if (this.#link !== link) return;
      this.#link = null;
      this.#sync();
    });
    return link;
  }

  #request(link: Link, wants: string[]): Promise<LinkAnswer | null> {
    const { liveRoomId, serverId, url, ask } = this.#options;
    const { number, transport } = link;
    const endpoint = endpointOf(transport);
    return ask(url, { liveRoomId, serverId, link: number, seq: ++link.seq, endpoint, wants });
  }

  async #accept(link: Link, { endpoint, transportId, streams }: LinkAnswer): Promise<void> {
    const { transport } = link;
    // The other end is a new one, which does not know this one's keys.
    if (link.remoteId !== null && link.remoteId !== transportId) return transport.close();
    if (link.remoteId === null) await connectLink(transport, endpoint);
    link.remoteId = transportId;
    await Promise.all(streams.map((stream) => this.#receive(link, stream)));
  }

  async #receive({ transport }: Link, stream: LinkAnswer['streams'][number]): Promise<void> {
    const { producerId, paused, rtpParameters } = stream;
    const want = this.#wants.get(producerId);
    if (!want) return;
    if (want.producer) return this.setPaused(producerId, paused);
    const appData = { participantId: want.participantId };
    const producer = await transport.produce({
      id: producerId,
      kind: 'audio',
      rtpParameters,
      paused,
      appData,
    });
    // Nobody else would close it: it is not wanted any more, or its transport was closed before the answer came, and the next link asks for it again.
    if (this.#wants.get(producerId) !== want || transport.closed) return producer.close();
    want.producer = producer;
    producer.observer.once('close', () => this.#forget(producerId, want));
    if (producer.closed) return this.#forget(producerId, want);
    want.arrived.resolve(producer);
    setTimeout(() => want.isClaimed || producer.close(), CLAIM_DEADLINE_MS).unref();
  }

  #forget(producerId: string, want: Want): void {
    if (this.#wants.get(producerId) !== want) return;
    this.#wants.delete(producerId);
    want.arrived.reject(notFound());
    this.#sync();
  }

  // Where the other server cannot be told, it forgets the link by itself.
  async #hangUp(link: Link): Promise<void> {
    link.transport.close();
    await this.#request(link, []).catch((error: unknown) => {
      this.#options.log.debug({ err: error }, 'the end of a link was not told');
    });
  }

  #requireHome(): RoomRouter {
    const home = this.#options.findHome();
    if (home) return home;
    throw late();
  }
}

const notFound = () => new SignallingError('NOT_FOUND', 'Nobody sends this stream any more.');
const late = () => new SignallingError('MEDIA_UNAVAILABLE', 'The stream does not arrive. Try again later.');
