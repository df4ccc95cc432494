import type { types } from 'mediasoup';
import type { Log } from '#platform/log.ts';
import { LINK_LEASE_MS, type LinkAnswer, type LinkRequest } from '#schema/media-mesh.ts';
import type { MediaListen } from '../deps.ts';
import type { RoomRouter } from '../routing/room-router.ts';
import type { StreamUse } from '../routing/shared-streams.ts';
import { SignallingError } from '../signalling/signalling-error.ts';
import { connectLink, createLinkTransport, endpointOf, parametersOf } from './link-transport.ts';

/** What a room offers to other servers. */
export interface ExportingRoom {
  readonly audio: { readonly home: RoomRouter | null };
  /** A stream that a peer of this server sends, on that router; null where there is none of that id. */
  readonly bringOwn: (producerId: string, place: RoomRouter) => Promise<StreamUse> | null;
}

interface Link {
  readonly number: number;
  readonly place: RoomRouter;
  readonly transport: types.PipeTransport;
  readonly consumers: Map<string, types.Consumer>;
  seq: number;
  lease: NodeJS.Timeout;
}

/** The ways on which a room's audio leaves this server: one for each server that wants some, closed when it wants none or is not heard of. */
export class ExportLinks {
  readonly #room: ExportingRoom;
  readonly #listen: MediaListen;
  readonly #log: Log;
  readonly #links = new Map<string, Link>();
  readonly #turns = new Map<string, Promise<unknown>>();
  #closed = false;

  constructor(room: ExportingRoom, listen: MediaListen, log: Log) {
    this.#room = room;
    this.#listen = listen;
    this.#log = log;
  }

  /** Streams that are sent to other servers now. */
  get streams(): number {
    return [...this.#links.values()].reduce((sum, { consumers }) => sum + consumers.size, 0);
  }

  /** Sends what is wanted, and nothing else. Requests of one server are handled one after the other. Rejects where no way can be opened. */
  async answer(request: LinkRequest): Promise<LinkAnswer | null> {
    const { serverId } = request;
    const turn = (this.#turns.get(serverId) ?? Promise.resolve()).then(() => this.#obey(request));
    const settled = turn.catch(() => undefined);
    this.#turns.set(serverId, settled);
    void settled.finally(() => {
      if (this.#turns.get(serverId) === settled) this.#turns.delete(serverId);
    });
    return turn;
  }

  async #obey(request: LinkRequest): Promise<LinkAnswer | null> {
    const { serverId, wants } = request;
    const link = await this.#linkFor(request);
    if (!link) return null;
    if (request.seq > link.seq) await this.#apply(link, wants);
    link.seq = Math.max(link.seq, request.seq);
    link.lease.refresh();
    const { transport, consumers } = link;
    const streams = [...consumers.values()].map((consumer) => ({
      producerId: consumer.producerId,
      paused: consumer.producerPaused,
      rtpParameters: parametersOf(consumer),
    }));
    const answer = { endpoint: endpointOf(transport), transportId: transport.id, streams };
    if (wants.length === 0) this.#close(serverId, link);
    return answer;
  }

  async #linkFor({ serverId, link: number, endpoint, wants }: LinkRequest): Promise<Link | null> {
    const known = this.#links.get(serverId);
    if (known && known.number > number) throw new SignallingError('WRONG_STATE', 'The link was replaced.');
    if (known && known.number === number && !known.transport.closed) return known;
    if (known) this.#close(serverId, known);
    const { home } = this.#room.audio;
    if (!home || this.#closed || wants.length === 0) return null;
    const transport = await createLinkTransport(home.router, this.#listen);
    try {
      await connectLink(transport, endpoint);
      if (this.#closed) throw new SignallingError('NOT_FOUND', 'The room was closed.');
    } catch (error) {
      transport.close();
      throw error;
    }
    const link: Link = {
      number,
      place: home,
      transport,
      consumers: new Map(),
      seq: -1,
      lease: setTimeout(() => this.#close(serverId, link), LINK_LEASE_MS),
    };
    link.lease.unref();
    this.#links.set(serverId, link);
    return link;
  }

  async #apply(link: Link, wants: readonly string[]): Promise<void> {
    const wanted = new Set(wants);
    for (const [producerId, consumer] of link.consumers) if (!wanted.has(producerId)) consumer.close();
    const missing = wants.filter((producerId) => !link.consumers.has(producerId));
    await Promise.all(
      missing.map((producerId) =>
        this.#send(link, producerId).catch((error: unknown) => {
          this.#log.debug({ err: error, producerId }, 'a stream is not sent to another server');
        }),
      ),
    );
  }

  async #send({ transport, consumers, place }: Link, producerId: string): Promise<void> {
    const use = await this.#room.bringOwn(producerId, place);
    if (!use) return;
    try {
      const consumer = await transport.consume({ producerId });
      consumers.set(producerId, consumer);
      const forget = () => {
        consumers.delete(producerId);
        use.release();
      };
      consumer.observer.once('close', forget);
      // It was closed before the answer came: nothing closes what it carries after that.
      if (transport.closed) consumer.close();
      if (consumer.closed) forget();
    } catch (error) {
      use.release();
      throw error;
    }
  }

  #close(serverId: string, link: Link): void {
    clearTimeout(link.lease);
    if (this.#links.get(serverId) === link) this.#links.delete(serverId);
    link.transport.close();
  }

  close(): void {
    this.#closed = true;
    for (const [serverId, link] of this.#links) this.#close(serverId, link);
  }
}
