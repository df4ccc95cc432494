import type { types } from 'mediasoup';
import type { Log } from '#platform/log.ts';
import type { MediaGrant } from '#platform/media-grant.ts';
import type { DisconnectReason, ParticipantOrder, SpeakersReport } from '#schema/media-bus.ts';
import type { RtpCapabilities } from '#schema/rtp.ts';
import type {
  NotificationData,
  NotificationEvent,
  ParticipantInfo,
  RequestAnswer,
} from '#schema/signalling.ts';
import { Peer, type PeerOwner } from './peer.ts';
import type { RoomRouter } from './routing/room-router.ts';
import type { RoomRouters } from './routing/room-routers.ts';
import { SpeakerWatch } from './routing/speaker-watch.ts';
import { localStream, Supply, type RoomStream } from './routing/supply.ts';
import type { Connection } from './signalling/connection.ts';
import { SignallingError } from './signalling/signalling-error.ts';
import type { Voice } from './voices.ts';
import type { MediaWorker } from './workers.ts';

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
 * Owns its peers and its routers. Closing it closes every socket with the given reason.
 */
export class Room implements PeerOwner {
  readonly id: string;
  readonly #owner: RoomOwner;
  readonly #log: Log;
  readonly #peers = new Map<string, Peer>();
  readonly #routers: RoomRouters;
  readonly #supply = new Supply();
  readonly #watch: SpeakerWatch;
  /** Everything that can be heard here, by producer. */
  readonly #streams = new Map<string, RoomStream>();
  #dominant: string | null = null;
  #closed = false;

  constructor(id: string, owner: RoomOwner, routers: RoomRouters, log: Log) {
    this.id = id;
    this.#owner = owner;
    this.#routers = routers;
    this.#log = log.child({ liveRoomId: id });
    this.#watch = new SpeakerWatch(this, this.#supply, this.#log);
  }

  get closed(): boolean {
    return this.#closed;
  }

  get routers(): readonly RoomRouter[] {
    return this.#routers.all;
  }

  /** Pipes between its routers. */
  get pipes(): number {
    return this.#supply.pipes;
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

  /** Gives the room a router, its first or, after the loss of all, its next; peers that are here are told to join again. Rejects with MEDIA_UNAVAILABLE. */
  async open(signal: AbortSignal): Promise<void> {
    const home = await this.#routers.openHome(signal);
    this.#watch.moveTo(home);
    for (const { connection } of this.#peers.values())
      connection.notify('rejoin', { routerRtpCapabilities: home.rtpCapabilities });
  }

  /**
   * A worker died, and everything of this room on it: whoever was there is told to join again, on another router. Returns whether there is none, so
   * that the room has to be opened again; until then sockets stay, and requests are refused.
   */
  loseWorker(dead: MediaWorker): boolean {
    const lost = this.#routers.lose(dead);
    if (!lost) return false;
    const stranded = this.#joined().filter(({ place }) => place === lost);
    for (const peer of stranded) peer.reset();
    for (const peer of stranded) this.#tellOthers(peer, 'peerLeft', { participantId: peer.participantId });
    const { home } = this.#routers;
    this.#watch.moveTo(home);
    if (!home) this.#dominant = null;
    for (const { connection } of home ? stranded : [])
      connection.notify('rejoin', { routerRtpCapabilities: lost.rtpCapabilities });
    return home === null;
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

  async join(peer: Peer, rtpCapabilities: RtpCapabilities): Promise<RequestAnswer<'join'>> {
    if (peer.joined) throw new SignallingError('WRONG_STATE', 'This socket has joined already.');
    const place = await this.#routers.seat(this.#streams.size);
    if (this.#peers.get(peer.participantId) !== peer) {
      this.#routers.leave(place);
      throw new SignallingError('WRONG_STATE', 'The socket was closed.');
    }
    peer.join(place, rtpCapabilities);
    this.#tellOthers(peer, 'peerJoined', peer.info);
    if (!peer.announced) this.#owner.onConnected(this.id, peer.participantId);
    peer.announced = true;
    return { participants: this.#others(peer).map(({ info }) => info) };
  }

  requireHome(): RoomRouter {
    if (this.#routers.home) return this.#routers.home;
    throw new SignallingError('MEDIA_UNAVAILABLE', 'The room is being moved. Join again when told so.');
  }

  async consume(peer: Peer, producerId: string): Promise<RequestAnswer<'consume'>> {
    const stream = this.#streams.get(producerId);
    if (!stream || stream.participantId === peer.participantId)
      throw new SignallingError('NOT_FOUND', 'Nobody sends this stream any more.');
    return peer.consume(stream, (place) => this.#supply.bring(stream, place));
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
  async obey(order: ParticipantOrder): Promise<void> {
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

  /** Idempotent. Tells peers, then closes their sockets, then its routers. */
  close(reason: 'ROOM_ENDED' | 'SERVER_SHUTDOWN'): void {
    if (this.#closed) return;
    this.#closed = true;
    if (reason === 'ROOM_ENDED') this.#tellAll('roomClosed', {});
    for (const peer of this.#peers.values()) {
      this.release(peer, reason);
      peer.connection.close(reason);
    }
    this.#watch.moveTo(null);
    this.#routers.close();
    this.#owner.onClosed(this.id);
  }

  onProducerOpened(peer: Peer, producer: types.Producer, router: types.Router): void {
    const { participantId } = peer;
    const { id: producerId, paused } = producer;
    this.#streams.set(producerId, localStream(producer, router));
    this.#tellOthers(peer, 'producerOpened', { participantId, producerId, paused });
    this.#watch.follow([...this.#streams.values()]);
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
    this.#streams.delete(producerId);
    this.#tellOthers(peer, 'producerClosed', data);
    peer.connection.notify('producerClosed', data);
    this.#watch.follow([...this.#streams.values()]);
  }

  onStreamLost(peer: Peer, producerId: string): void {
    const stream = this.#streams.get(producerId);
    // Its sender is still there: only a pipe broke, and whoever consumes it again gets another one.
    if (!stream || !peer.joined) return;
    const { participantId } = stream;
    peer.connection.notify('producerOpened', { participantId, producerId, paused: stream.paused() });
  }

  onUnplaced(place: RoomRouter): void {
    this.#routers.leave(place);
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
