import type { types } from 'mediasoup';
import type { MediaGrant } from '#platform/media-grant.ts';
import { maySpeak, type LiveRole } from '#schema/live-role.ts';
import type { ParticipantConnection } from '#schema/connection-quality.ts';
import type { RemoteSeat } from '#schema/media-mesh.ts';
import { rtpParameters, type DtlsParameters, type RtpCapabilities } from '#schema/rtp.ts';
import type { ParticipantInfo, RequestAnswer, RequestData } from '#schema/signalling.ts';
import { toldCandidates } from './domain/ice-candidates.ts';
import type { Places } from './places.ts';
import type { PeerMedia } from './quality/sample.ts';
import type { RoomRouter } from './routing/room-router.ts';
import type { StreamUse } from './routing/shared-streams.ts';
import { Sending } from './sending.ts';
import type { Connection } from './signalling/connection.ts';
import { byWorker, SignallingError } from './signalling/signalling-error.ts';

type Direction = RequestData<'createTransport'>['direction'];

/** What a peer tells its room. */
export interface PeerOwner {
  readonly onProducerOpened: (peer: Peer, producer: types.Producer, router: types.Router) => void;
  readonly onProducerPaused: (peer: Peer, producer: types.Producer) => void;
  readonly onProducerClosed: (peer: Peer, producer: types.Producer) => void;
  /** What it heard does not come any more: its sender stopped, or the way of the audio broke. */
  readonly onStreamLost: (peer: Peer, producerId: string) => void;
  readonly places: { readonly voices: Places };
  readonly audio: { leave(place: RoomRouter): void };
}

/**
 * One participant's connection: its transports, and what goes over them. Its room owns it. Closing it closes the transports, which closes
 * producers (the room is told) and consumers. `reset` does the same when the worker died, and the peer joins again.
 */
export class Peer {
  readonly participantId: string;
  readonly userId: string;
  readonly musicMode: boolean;
  readonly grantExpiresAtMs: number;
  readonly maxSpeakers: number | null;
  readonly connection: Connection;
  role: LiveRole;
  muted: boolean;
  /** Whether other services were told that this participant is connected; they have to be told when it goes. */
  announced = false;
  /** To others it comes anew, whatever they know of it; until it has. */
  anew: boolean;
  /** Null until it was measured. */
  measured: ParticipantConnection | null = null;
  readonly #owner: PeerOwner;
  #joined: { place: RoomRouter; rtpCapabilities: RtpCapabilities } | null = null;
  #closed = false;
  readonly #transports = new Map<Direction, types.WebRtcTransport>();
  readonly #sending: Sending;
  readonly #consumers = new Map<string, types.Consumer>();

  constructor(grant: MediaGrant, connection: Connection, owner: PeerOwner) {
    this.participantId = grant.participantId;
    this.userId = grant.userId;
    this.musicMode = grant.musicMode;
    this.grantExpiresAtMs = grant.expiresAtMs;
    this.maxSpeakers = grant.maxSpeakers;
    this.anew = grant.anew;
    this.role = grant.role;
    this.muted = grant.muted;
    this.connection = connection;
    this.#owner = owner;
    this.#sending = new Sending({
      requireVoice: () => this.#requireVoice(),
      isMuted: () => this.muted,
      onOpened: (producer, router) => owner.onProducerOpened(this, producer, router),
      onPaused: (producer) => owner.onProducerPaused(this, producer),
      onClosed: (producer) => owner.onProducerClosed(this, producer),
    });
  }

  get joined(): boolean {
    return this.#joined !== null;
  }

  /** The router that carries its streams, from `join` on. */
  get place(): RoomRouter | null {
    return this.#joined?.place ?? null;
  }

  get info(): ParticipantInfo {
    const { info: producers } = this.#sending;
    const { participantId, userId, role, muted, measured } = this;
    const quality = measured && { quality: measured.quality };
    return { participantId, userId, role, muted, producers, ...quality };
  }

  get isSending(): boolean {
    return this.#sending.all.length > 0;
  }

  get media(): PeerMedia {
    return {
      transports: [...this.#transports.values()],
      producers: this.#sending.all,
      consumers: [...this.#consumers.values()],
    };
  }

  /** What other servers are told of it. */
  get seat(): RemoteSeat {
    const { info, grantExpiresAtMs } = this;
    return { info, grantExpiresAtMs, lost: false };
  }

  join(place: RoomRouter, rtpCapabilities: RtpCapabilities): void {
    this.#joined = { place, rtpCapabilities };
  }

  async createTransport(direction: Direction): Promise<RequestAnswer<'createTransport'>> {
    const { place } = this.#requireJoined();
    const { host, router } = place;
    const options = { webRtcServer: host.webRtcServer, preferUdp: true, appData: { direction } };
    const transport = await this.#inTurn(router, () =>
      router.createWebRtcTransport({ ...options, initialAvailableOutgoingBitrate: 600_000 }),
    );
    this.#requireAlive(transport);
    this.#transports.get(direction)?.close();
    this.#transports.set(direction, transport);
    const { id: transportId, iceParameters, iceCandidates, dtlsParameters } = transport;
    return { transportId, iceParameters, iceCandidates: toldCandidates(iceCandidates), dtlsParameters };
  }

  async connectTransport(transportId: string, dtlsParameters: DtlsParameters): Promise<void> {
    const transport = this.#requireTransport(transportId);
    if (transport.dtlsState !== 'new')
      throw new SignallingError('WRONG_STATE', 'The transport is connected already.');
    await byWorker(this.#inTurn(transport, () => transport.connect({ dtlsParameters })));
  }

  async restartIce(transportId: string): Promise<RequestAnswer<'restartIce'>> {
    return { iceParameters: await this.#requireTransport(transportId).restartIce() };
  }

  async produce(request: RequestData<'produce'>): Promise<string> {
    this.#requireVoice();
    const { role, maxSpeakers, participantId } = this;
    return this.#owner.places.voices.with(participantId, role === 'HOST' ? null : maxSpeakers, (isFree) => {
      if (isFree) return this.#send(request);
      throw new SignallingError('SPEAKER_LIMIT', 'As many people send audio as may in this room.');
    });
  }

  async #send({ transportId, rtpParameters, paused }: RequestData<'produce'>): Promise<string> {
    const { place } = this.#requireJoined();
    const transport = this.#requireTransport(transportId, 'send');
    this.#sending.requireSpace();
    const options = { kind: 'audio', rtpParameters, appData: { participantId: this.participantId } } as const;
    // A muted participant may set up its microphone, but nothing of it is forwarded.
    const producer = await byWorker(transport.produce({ ...options, paused: paused || this.muted }));
    this.#requireAlive(producer);
    await this.#sending.adopt(producer, place.router);
    return producer.id;
  }

  pauseProducer(producerId: string): Promise<void> {
    return this.#sending.pause(producerId);
  }

  resumeProducer(producerId: string): Promise<void> {
    return this.#sending.resume(producerId);
  }

  closeProducer(producerId: string): void {
    this.#sending.close(producerId);
  }

  /** `bring` makes the stream available on this peer's router, for as long as it is used. */
  async consume(
    { producerId, participantId }: { producerId: string; participantId: string },
    bring: (place: RoomRouter) => Promise<StreamUse>,
  ): Promise<RequestAnswer<'consume'>> {
    const { place, rtpCapabilities } = this.#requireJoined();
    const transport = this.#transports.get('recv');
    if (!transport) throw new SignallingError('WRONG_STATE', 'Create a transport to receive first.');
    const known = [...this.#consumers.values()].find((one) => one.producerId === producerId);
    const consumer = known ?? (await this.#createConsumer(transport, await bring(place), rtpCapabilities));
    return {
      consumerId: consumer.id,
      producerId,
      participantId,
      rtpParameters: rtpParameters.parse(consumer.rtpParameters),
      producerPaused: consumer.producerPaused,
    };
  }

  async #createConsumer(
    transport: types.WebRtcTransport,
    stream: StreamUse,
    rtpCapabilities: RtpCapabilities,
  ): Promise<types.Consumer> {
    const { id: producerId } = stream.producer;
    try {
      if (!stream.router.canConsume({ producerId, rtpCapabilities }))
        throw new SignallingError('BAD_REQUEST', 'This device cannot decode the stream.');
      // Of audio there is no RTX stream: this is what makes NACKs heard, and packets are sent again as they were.
      const options = { producerId, rtpCapabilities, paused: true, enableRtx: true };
      const consumer = await this.#inTurn(transport, () => transport.consume(options));
      this.#requireAlive(consumer);
      this.#consumers.set(consumer.id, consumer);
      consumer.observer.once('close', () => {
        this.#consumers.delete(consumer.id);
        stream.release();
      });
      consumer.on('producerclose', () => {
        this.connection.notify('consumerClosed', { consumerId: consumer.id });
        this.#owner.onStreamLost(this, producerId);
      });
      return consumer;
    } catch (error) {
      stream.release();
      throw error;
    }
  }

  async resumeConsumer(consumerId: string): Promise<void> {
    const consumer = this.#consumers.get(consumerId);
    if (!consumer) throw new SignallingError('NOT_FOUND', 'There is no such consumer.');
    await consumer.resume();
  }

  /** The room tells everybody else; the peer only acts on its own streams. */
  setRole(role: LiveRole): void {
    this.role = role;
    if (!maySpeak(role)) this.#sending.closeAll();
  }

  async setMuted(muted: boolean): Promise<void> {
    this.muted = muted;
    // Lifting a mute does not open a microphone: its owner does that.
    if (muted) await this.#sending.pauseAll();
  }

  /** Back to before `join`. */
  reset(): void {
    const { place } = this;
    this.#joined = null;
    this.measured = null;
    for (const transport of this.#transports.values()) transport.close();
    this.#transports.clear();
    if (place) this.#owner.audio.leave(place);
  }

  close(): void {
    this.#closed = true;
    this.reset();
  }

  #requireJoined() {
    if (!this.#joined) throw new SignallingError('WRONG_STATE', 'Join first.');
    return this.#joined;
  }

  // The peer may have gone, or its worker, while an answer of the worker was on its way: nothing may outlive its owner.
  #requireAlive(object: { readonly closed: boolean; close(): void }): void {
    if (!object.closed && !this.#closed && this.#joined) return;
    object.close();
    throw moved();
  }

  // What the request is about may have been closed by the time of its turn.
  async #inTurn<T>(object: { readonly closed: boolean }, request: () => Promise<T>): Promise<T> {
    const host = this.#joined?.place.host;
    if (!host) throw moved();
    return host.inTurn(async () => {
      if (object.closed || this.#closed) throw moved();
      return request();
    });
  }

  #requireVoice(): void {
    if (!maySpeak(this.role)) throw new SignallingError('FORBIDDEN', 'Listeners cannot send audio.');
  }

  #requireTransport(transportId: string, direction?: Direction): types.WebRtcTransport {
    this.#requireJoined();
    const found = [...this.#transports].find(([, transport]) => transport.id === transportId);
    if (!found || found[1].closed) throw new SignallingError('NOT_FOUND', 'There is no such transport.');
    if (direction && found[0] !== direction)
      throw new SignallingError('BAD_REQUEST', `This transport is not one to ${direction}.`);
    return found[1];
  }
}

const moved = () =>
  new SignallingError('MEDIA_UNAVAILABLE', 'The room is being moved. Join again when told so.');
