import type { types } from 'mediasoup';
import type { Log } from '#platform/log.ts';
import type { MediaGrant } from '#platform/media-grant.ts';
import type { DisconnectReason, MediaControl, SpeakersReport } from '#schema/media-bus.ts';
import type { RtpCapabilities } from '#schema/rtp.ts';
import type {
  NotificationData,
  NotificationEvent,
  ParticipantInfo,
  RequestAnswer,
} from '#schema/signalling.ts';
import { Peer, type PeerOwner } from './peer.ts';
import type { RoomMedia } from './room-media.ts';
import type { Connection } from './signalling/connection.ts';
import { SignallingError } from './signalling/signalling-error.ts';
import type { Voice } from './voices.ts';

/** What a room tells the rest of the media server. */
export interface RoomOwner {
  readonly onConnected: (liveRoomId: string, participantId: string) => void;
  readonly onDisconnected: (liveRoomId: string, participantId: string, reason: DisconnectReason) => void;
  readonly onSpeakers: (report: SpeakersReport) => void;
  readonly onVoice: (liveRoomId: string, voice: Voice) => void;
  readonly onClosed: (liveRoomId: string) => void;
  /** The last peer has gone. */
  readonly onEmpty: (room: Room) => void;
}

/**
 * The peers of one live room, and the order in which they learn of each other: `peerJoined` before `producerOpened`, `producerClosed` before `peerLeft`.
 * Owns its peers and its share of a worker. Closing it closes every socket with the given reason.
 */
export class Room implements PeerOwner {
  readonly id: string;
  readonly #owner: RoomOwner;
  readonly #log: Log;
  readonly #peers = new Map<string, Peer>();
  #media: RoomMedia | null = null;
  #dominant: string | null = null;
  #closed = false;

  constructor(id: string, owner: RoomOwner, log: Log) {
    this.id = id;
    this.#owner = owner;
    this.#log = log.child({ liveRoomId: id });
  }

  get closed(): boolean {
    return this.#closed;
  }

  get media(): RoomMedia | null {
    return this.#media;
  }

  get size(): number {
    return this.#peers.size;
  }

  /** Whether that participant has a connection here. */
  seats(participantId: string): boolean {
    return this.#peers.has(participantId);
  }

  /** Participants that have joined. */
  get participants(): ParticipantInfo[] {
    return this.#joined().map(({ info }) => info);
  }

  /** Gives the room a place on a worker, its first or, after `loseMedia`, its next; peers that are here are told to join again. */
  place(media: RoomMedia): void {
    this.#media = media;
    const { rtpCapabilities } = media;
    for (const { connection } of this.#peers.values())
      connection.notify('rejoin', { routerRtpCapabilities: rtpCapabilities });
  }

  /** The worker died, and everything on it: sockets stay, requests are refused until `place`. */
  loseMedia(): void {
    this.#media = null;
    this.#dominant = null;
    for (const peer of this.#peers.values()) peer.reset();
  }

  /** Takes a participant in. A connection that it already has is closed: the newest one counts. */
  admit(grant: MediaGrant, connection: Connection): Peer {
    const former = this.#peers.get(grant.participantId);
    const peer = new Peer(grant, connection, this);
    this.#peers.set(grant.participantId, peer);
    if (former) this.#replace(former, peer);
    return peer;
  }

  // To the outside the participant has been here all the time, so nobody is told of a disconnection.
  #replace(former: Peer, peer: Peer): void {
    peer.announced = former.announced;
    const wasJoined = former.joined;
    former.close();
    if (wasJoined) this.#tellOthers(former, 'peerLeft', { participantId: former.participantId });
    former.connection.close('DUPLICATE_IDENTITY');
  }

  join(peer: Peer, rtpCapabilities: RtpCapabilities): RequestAnswer<'join'> {
    peer.join(this.requireMedia(), rtpCapabilities);
    this.#tellOthers(peer, 'peerJoined', peer.info);
    if (!peer.announced) this.#owner.onConnected(this.id, peer.participantId);
    peer.announced = true;
    return { participants: this.#others(peer).map(({ info }) => info) };
  }

  requireMedia(): RoomMedia {
    if (this.#media) return this.#media;
    throw new SignallingError('MEDIA_UNAVAILABLE', 'The room is being moved. Join again when told so.');
  }

  async consume(peer: Peer, producerId: string): Promise<RequestAnswer<'consume'>> {
    const sender = this.#others(peer).find((other) => other.findProducer(producerId));
    return peer.consume(sender?.findProducer(producerId) ?? null, sender?.participantId ?? '');
  }

  /** Forgets a peer whose connection has ended. One that was replaced is not there any more. */
  release(peer: Peer, reason: DisconnectReason): void {
    if (this.#peers.get(peer.participantId) !== peer) return;
    const wasJoined = peer.joined;
    peer.close();
    this.#peers.delete(peer.participantId);
    if (this.#dominant === peer.participantId) this.onDominant(null);
    if (wasJoined) this.#tellOthers(peer, 'peerLeft', { participantId: peer.participantId });
    if (peer.announced) this.#owner.onDisconnected(this.id, peer.participantId, reason);
    if (this.#peers.size === 0 && !this.#closed) this.#owner.onEmpty(this);
  }

  /** Carries out an order of the stream subgraph; one about somebody who is not here does nothing. */
  async obey(order: Exclude<MediaControl, { kind: 'endRoom' }>): Promise<void> {
    const { participantId } = order;
    const peer = this.#peers.get(participantId);
    if (!peer) return;
    if (order.kind === 'setRole') {
      peer.setRole(order.role);
      this.#tellAll('roleChanged', { participantId, role: order.role });
    } else if (order.kind === 'mute') {
      const done = peer.setMuted(order.muted);
      this.#tellAll('muteChanged', { participantId, muted: order.muted });
      await done;
    } else {
      this.release(peer, order.reason);
      peer.connection.close(order.reason === 'CLIENT' ? 'LEFT' : 'REMOVED');
    }
  }

  /** Idempotent. Tells peers, then closes their sockets, then gives the worker's share back. */
  close(reason: 'ROOM_ENDED' | 'SERVER_SHUTDOWN'): void {
    if (this.#closed) return;
    this.#closed = true;
    if (reason === 'ROOM_ENDED') this.#tellAll('roomClosed', {});
    for (const peer of this.#peers.values()) {
      this.release(peer, reason);
      peer.connection.close(reason);
    }
    this.#media?.close();
    this.#media = null;
    this.#owner.onClosed(this.id);
  }

  onProducerOpened(peer: Peer, producer: types.Producer, router: types.Router): void {
    const { participantId } = peer;
    const { id: producerId, paused } = producer;
    this.#tellOthers(peer, 'producerOpened', { participantId, producerId, paused });
    this.#owner.onVoice(this.id, { participantId, producer, router });
  }

  onProducerPaused(peer: Peer, { id: producerId, paused }: types.Producer): void {
    const event = paused ? 'producerPaused' : 'producerResumed';
    const data = { participantId: peer.participantId, producerId };
    this.#tellOthers(peer, event, data);
    // Its owner learns of a pause by a moderator this way.
    if (peer.muted) peer.connection.notify(event, data);
  }

  onProducerClosed(peer: Peer, { id: producerId }: types.Producer): void {
    const data = { participantId: peer.participantId, producerId };
    this.#tellOthers(peer, 'producerClosed', data);
    peer.connection.notify('producerClosed', data);
  }

  onLevels(levels: SpeakersReport['levels']): void {
    if (levels.length === 0) this.onDominant(null);
    for (const { connection } of this.#joined()) connection.hint('audioLevels', { levels });
    this.#owner.onSpeakers({ liveRoomId: this.id, dominant: this.#dominant, levels });
  }

  onDominant(participantId: string | null): void {
    if (this.#dominant === participantId) return;
    this.#dominant = participantId;
    this.#log.debug({ participantId }, 'active speaker changed');
    this.#tellAll('activeSpeaker', { participantId });
  }

  #joined(): Peer[] {
    return [...this.#peers.values()].filter(({ joined }) => joined);
  }

  #others(peer: Peer): Peer[] {
    return this.#joined().filter((other) => other !== peer);
  }

  #tellOthers<E extends NotificationEvent>(peer: Peer, event: E, data: NotificationData<E>): void {
    for (const { connection } of this.#others(peer)) connection.notify(event, data);
  }

  #tellAll<E extends NotificationEvent>(event: E, data: NotificationData<E>): void {
    for (const { connection } of this.#joined()) connection.notify(event, data);
  }
}
