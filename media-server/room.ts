import type { types } from 'mediasoup';
import type { Log } from '#platform/log.ts';
import type { MediaGrant } from '#platform/media-grant.ts';
import type { ParticipantConnection } from '#schema/connection-quality.ts';
import type { DisconnectReason, ParticipantOrder, SpeakersReport } from '#schema/media-bus.ts';
import type { RemoteSeat } from '#schema/media-mesh.ts';
import type { RtpCapabilities } from '#schema/rtp.ts';
import type { ParticipantInfo, RequestAnswer } from '#schema/signalling.ts';
import { Attendance } from './attendance.ts';
import { outranks } from './mesh/remote-seats.ts';
import type { RoomSpan, SpanningRoom } from './mesh/room-span.ts';
import type { HeldPlaces } from './mesh/room-directory.ts';
import { Peer, type PeerOwner } from './peer.ts';
import { RoomAudio } from './room-audio.ts';
import { RoomLevels } from './room-levels.ts';
import type { RoomOwner } from './room-owner.ts';
import { RoomPeers } from './room-peers.ts';
import { RoomPlaces } from './room-places.ts';
import { withLateStreams } from './routing/late-stream.ts';
import type { RoomRouter } from './routing/room-router.ts';
import type { RoomRouters } from './routing/room-routers.ts';
import type { StreamUse } from './routing/shared-streams.ts';
import { senderOf } from './routing/supply.ts';
import type { Connection } from './signalling/connection.ts';
import { SignallingError } from './signalling/signalling-error.ts';
import type { MediaWorker } from './workers.ts';

export interface RoomOptions {
  /** Whoever lost their connection is in the room for as long, to others. */
  readonly resumeWindowMs: number;
  readonly log: Log;
}

/**
 * The peers of one live room. Owns them, its audio, and its roster, by which they learn of each other. Closing it closes every socket with the given
 * reason. Those on other servers are known through its span.
 */
export class Room implements PeerOwner, SpanningRoom {
  readonly id: string;
  readonly audio: RoomAudio;
  readonly peers = new RoomPeers();
  readonly attendance: Attendance;
  readonly places: RoomPlaces;
  readonly #owner: RoomOwner;
  readonly #levels = new RoomLevels(this.peers);
  #closed = false;

  constructor(id: string, owner: RoomOwner, routers: RoomRouters, { resumeWindowMs, log }: RoomOptions) {
    this.id = id;
    this.#owner = owner;
    const onLeft = (participantId: string) => this.#levels.onGone(participantId);
    const onLooked = (participantId: string) => this.places.review(participantId);
    this.attendance = new Attendance({ peers: this.peers, resumeWindowMs, onLeft, onLooked });
    this.places = new RoomPlaces(this.peers, this.attendance);
    this.audio = new RoomAudio(routers, this, log.child({ liveRoomId: id }));
  }

  get closed(): boolean {
    return this.#closed;
  }

  get span(): RoomSpan | null {
    return this.attendance.span;
  }

  /** Whether nobody is connected here. */
  get empty(): boolean {
    return this.peers.size === 0;
  }

  /** Participants that have joined here. */
  get participants(): ParticipantInfo[] {
    return this.peers.joined.map(({ info }) => info);
  }

  get seats(): RemoteSeat[] {
    return this.attendance.seats;
  }

  seatOf(participantId: string): RemoteSeat | null {
    return this.attendance.seatOf(participantId);
  }

  get held(): HeldPlaces {
    return this.places.held;
  }

  /** Gives the room a router, its first or, after the loss of all, its next; peers that are here are told to join again. Rejects with MEDIA_UNAVAILABLE. */
  async open(signal: AbortSignal): Promise<void> {
    const { rtpCapabilities } = await this.audio.open(signal);
    this.span?.moveEntry();
    for (const { connection } of this.peers.all)
      connection.notify('rejoin', { routerRtpCapabilities: rtpCapabilities });
  }

  /** Makes it one with the room of that id on other servers. Resolves once those who are there are known. */
  async joinOthers(span: RoomSpan): Promise<void> {
    this.attendance.spanWith(span, this.audio);
    await span.open();
  }

  /**
   * A worker died, and everything of this room on it: whoever was there is told to join again, on another router. Returns whether there is none, so
   * that the room has to be opened again; until then sockets stay, and requests are refused.
   */
  loseWorker(dead: MediaWorker): boolean {
    const { home: former } = this.audio;
    const lost = this.audio.lose(dead);
    if (!lost) return false;
    const stranded = this.peers.joined.filter(({ place }) => place === lost);
    for (const peer of stranded) peer.reset();
    for (const { participantId } of stranded) this.attendance.changed(participantId);
    if (this.audio.home !== former) this.span?.moveEntry();
    if (!this.audio.home) return true;
    for (const { connection } of stranded)
      connection.notify('rejoin', { routerRtpCapabilities: lost.rtpCapabilities });
    return false;
  }

  /** Takes a participant in. A connection that it already has is closed: the newest one counts. */
  admit(grant: MediaGrant, connection: Connection): Peer {
    const former = this.peers.find(grant.participantId);
    const peer = new Peer(grant, connection, this);
    this.peers.set(peer);
    if (former) this.#replace(former, peer);
    return peer;
  }

  // To the outside the participant has been here all the time, so nobody is told of a disconnection.
  #replace(former: Peer, peer: Peer): void {
    peer.announced = former.announced;
    if (former.joined) this.attendance.wait(former.seat);
    former.close();
    this.attendance.changed(former.participantId);
    former.connection.close('DUPLICATE_IDENTITY');
  }

  /** Resolves with what to answer: it is read when it is sent, so that it holds whoever the peer was told of before. */
  async join(peer: Peer, rtpCapabilities: RtpCapabilities): Promise<() => RequestAnswer<'join'>> {
    if (peer.joined) throw new SignallingError('WRONG_STATE', 'This socket has joined already.');
    const { participantId } = peer;
    const place = await this.audio.seat();
    if (this.peers.find(participantId) !== peer) {
      this.audio.leave(place);
      throw new SignallingError('WRONG_STATE', 'The socket was closed.');
    }
    if (peer.anew) this.attendance.forget(participantId);
    peer.anew = false;
    peer.join(place, rtpCapabilities);
    this.attendance.changed(participantId);
    if (!peer.announced) this.#owner.onConnected(this.id, participantId);
    peer.announced = true;
    const { roster } = this.attendance;
    return () => ({
      participants: roster.listedBesides(participantId),
      listenerCount: roster.listenerCount,
      activeSpeaker: this.#levels.dominant,
    });
  }

  requireHome(): RoomRouter {
    if (this.audio.home) return this.audio.home;
    throw new SignallingError('MEDIA_UNAVAILABLE', 'The room is being moved. Join again when told so.');
  }

  async consume(peer: Peer, producerId: string): Promise<RequestAnswer<'consume'>> {
    const stream = this.audio.require(producerId, peer.participantId);
    const consuming = peer.consume(stream, (place) => this.audio.bring(stream, place));
    return withLateStreams(consuming, () => this.onStreamLost(peer, producerId));
  }

  bringOwn(producerId: string, place: RoomRouter): Promise<StreamUse> | null {
    const stream = this.audio.find(producerId);
    return stream && this.peers.findJoined(stream.participantId) && this.audio.bring(stream, place);
  }

  /** Forgets a peer whose connection has ended. One that was replaced is not there any more. */
  release(peer: Peer, reason: DisconnectReason): void {
    if (!this.peers.remove(peer)) return;
    if (peer.joined && reason === 'CONNECTION_LOST') this.attendance.wait(peer.seat);
    peer.close();
    this.attendance.changed(peer.participantId);
    if (peer.announced) this.#owner.onDisconnected(this.id, peer.participantId, reason);
    if (this.empty && !this.#closed) this.#owner.onEmpty(this);
  }

  /** Carries out an order of the stream subgraph; one about somebody who is not here does nothing. */
  async obey(order: ParticipantOrder): Promise<void> {
    const { participantId } = order;
    const peer = this.peers.find(participantId);
    if (order.kind === 'remove') this.attendance.endWait(participantId);
    if (!peer) return this.attendance.look(participantId);
    if (order.kind === 'setRole') {
      peer.setRole(order.role);
      if (peer.joined) peer.connection.notify('roleChanged', { participantId, role: order.role });
    } else if (order.kind === 'mute') {
      if (peer.joined) peer.connection.notify('muteChanged', { participantId, muted: order.muted });
      await peer.setMuted(order.muted);
    } else {
      this.release(peer, order.reason);
      peer.connection.close(order.reason === 'CLIENT' ? 'LEFT' : 'REMOVED');
    }
    this.attendance.changed(participantId);
  }

  /** How well a peer is connected, as it was measured. */
  setConnection(peer: Peer, measured: ParticipantConnection): void {
    if (this.peers.setConnection(peer, measured)) this.attendance.changed(peer.participantId);
  }

  /** Idempotent. Tells peers, then closes their sockets, then its routers. */
  close(reason: 'ROOM_ENDED' | 'SERVER_SHUTDOWN'): void {
    if (this.#closed) return;
    this.#closed = true;
    // Others know from it who left before; those who are put out now may go on elsewhere.
    this.span?.flush();
    if (reason === 'ROOM_ENDED') this.peers.tellAll('roomClosed', {});
    for (const peer of this.peers.all) {
      this.release(peer, reason);
      peer.connection.close(reason);
    }
    this.attendance.close();
    this.audio.close();
    this.#owner.onClosed(this.id);
  }

  onProducerOpened(peer: Peer, producer: types.Producer, router: types.Router): void {
    const { participantId } = peer;
    this.audio.addOwn(producer, router);
    this.attendance.changed(participantId);
    this.#owner.onVoice(this.id, { participantId, producer, router });
  }

  onProducerPaused(peer: Peer, { id: producerId, paused }: types.Producer): void {
    const { participantId } = peer;
    this.attendance.changed(participantId);
    // Its owner learns of a pause by a moderator this way.
    const event = paused ? 'producerPaused' : 'producerResumed';
    if (peer.muted) peer.connection.notify(event, { participantId, producerId });
  }

  onProducerClosed(peer: Peer, { id: producerId }: types.Producer): void {
    const data = { participantId: peer.participantId, producerId };
    this.audio.remove(producerId);
    this.attendance.changed(peer.participantId);
    peer.connection.notify('producerClosed', data);
  }

  onStreamLost(peer: Peer, producerId: string): void {
    const stream = this.audio.find(producerId);
    // Its sender is still there: only a pipe broke, and whoever consumes it again gets another one.
    if (!stream || !peer.joined) return;
    const { participantId } = stream;
    peer.connection.notify('producerOpened', { participantId, producerId, paused: stream.paused() });
  }

  onRemoteChanged(participantId: string): void {
    const remote = this.attendance.findElsewhere(participantId);
    const peer = this.peers.find(participantId);
    const serverId = this.span?.serverId ?? '';
    if (peer && remote && outranks(remote, { ...peer, serverId })) this.#moveAway(peer);
    else this.attendance.look(participantId);
  }

  onRemoteLost(seat: RemoteSeat): void {
    this.attendance.loseElsewhere(seat);
  }

  // To the outside the participant has been in the room all the time, so nobody is told of a disconnection.
  #moveAway(peer: Peer): void {
    peer.announced = false;
    this.release(peer, 'CONNECTION_LOST');
    peer.connection.close('DUPLICATE_IDENTITY');
  }

  onWatchMoved(): void {
    this.audio.watch(this.span?.isWatching ?? true);
  }

  onWatched(producer: types.Producer, router: types.Router): void {
    const participantId = senderOf(producer);
    // Whoever takes in all voices finds those of other servers here.
    if (this.attendance.findElsewhere(participantId))
      this.#owner.onVoice(this.id, { participantId, producer, router });
  }

  onLevels(levels: SpeakersReport['levels']): void {
    this.#levels.onLevels(levels);
    this.#owner.onSpeakers({ liveRoomId: this.id, dominant: this.#levels.dominant, levels });
  }

  onDominant(participantId: string | null): void {
    this.#levels.onDominant(participantId);
  }

  onSpeakersElsewhere(report: SpeakersReport): void {
    this.#levels.onReport(report);
  }
}
