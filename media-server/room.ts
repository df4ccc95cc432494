import type { types } from 'mediasoup';
import type { Log } from '#platform/log.ts';
import type { MediaGrant } from '#platform/media-grant.ts';
import type { DisconnectReason, ParticipantOrder, SpeakersReport } from '#schema/media-bus.ts';
import type { RemoteSeat } from '#schema/media-mesh.ts';
import type { RtpCapabilities } from '#schema/rtp.ts';
import type { ParticipantInfo, RequestAnswer } from '#schema/signalling.ts';
import type { RosterChange } from './domain/roster-changes.ts';
import { RemoteRoster } from './mesh/remote-roster.ts';
import { outranks } from './mesh/remote-seats.ts';
import type { RoomSpan, SpanningRoom } from './mesh/room-span.ts';
import { Peer, type PeerOwner } from './peer.ts';
import { RoomAudio } from './room-audio.ts';
import { RoomLevels } from './room-levels.ts';
import type { RoomOwner } from './room-owner.ts';
import { RoomPeers } from './room-peers.ts';
import { withLateStreams } from './routing/late-stream.ts';
import type { RoomRouter } from './routing/room-router.ts';
import type { RoomRouters } from './routing/room-routers.ts';
import type { StreamUse } from './routing/shared-streams.ts';
import { senderOf } from './routing/supply.ts';
import type { Connection } from './signalling/connection.ts';
import { SignallingError } from './signalling/signalling-error.ts';
import type { MediaWorker } from './workers.ts';

/**
 * The peers of one live room, and the order in which they learn of each other: `peerJoined` before `producerOpened`, `producerClosed` before `peerLeft`.
 * Owns its peers and its audio. Closing it closes every socket with the given reason. Those on other servers are known through its span.
 */
export class Room implements PeerOwner, SpanningRoom {
  readonly id: string;
  readonly audio: RoomAudio;
  readonly peers = new RoomPeers();
  readonly #owner: RoomOwner;
  readonly #levels = new RoomLevels(this.peers);
  #span: RoomSpan | null = null;
  #remote: RemoteRoster | null = null;
  #closed = false;

  constructor(id: string, owner: RoomOwner, routers: RoomRouters, log: Log) {
    this.id = id;
    this.#owner = owner;
    this.audio = new RoomAudio(routers, this, log.child({ liveRoomId: id }));
  }

  get closed(): boolean {
    return this.#closed;
  }

  get span(): RoomSpan | null {
    return this.#span;
  }

  /** Whether nobody is connected here. */
  get empty(): boolean {
    return this.peers.size === 0;
  }

  /** Participants that have joined here. */
  get participants(): ParticipantInfo[] {
    return this.peers.joined.map(({ info }) => info);
  }

  /** Participants on other servers. */
  get remoteParticipants(): readonly ParticipantInfo[] {
    return this.#remote?.participants ?? [];
  }

  get seats(): RemoteSeat[] {
    return this.peers.joined.map(({ seat }) => seat);
  }

  /** Whether there is space for that participant, who may be in the room already, on this server or another. */
  hasSpace(participantId: string, maxPeers: number): boolean {
    const isHere = this.peers.find(participantId) !== null || this.#remote?.has(participantId) === true;
    return isHere || this.peers.size + this.remoteParticipants.length < maxPeers;
  }

  /** Gives the room a router, its first or, after the loss of all, its next; peers that are here are told to join again. Rejects with MEDIA_UNAVAILABLE. */
  async open(signal: AbortSignal): Promise<void> {
    const { rtpCapabilities } = await this.audio.open(signal);
    this.#span?.moveEntry();
    for (const { connection } of this.peers.all)
      connection.notify('rejoin', { routerRtpCapabilities: rtpCapabilities });
  }

  /** Makes it one with the room of that id on other servers. Resolves once those who are there are known. */
  async joinOthers(span: RoomSpan): Promise<void> {
    this.#span = span;
    this.#remote = new RemoteRoster(span, this.audio, (change) => this.#tellElsewhere(change));
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
    for (const peer of stranded) this.#tellGone(peer);
    if (this.audio.home !== former) this.#span?.moveEntry();
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
    const wasJoined = former.joined;
    former.close();
    if (wasJoined) this.#tellGone(former);
    former.connection.close('DUPLICATE_IDENTITY');
  }

  async join(peer: Peer, rtpCapabilities: RtpCapabilities): Promise<RequestAnswer<'join'>> {
    if (peer.joined) throw new SignallingError('WRONG_STATE', 'This socket has joined already.');
    const { participantId } = peer;
    const place = await this.audio.seat();
    if (this.peers.find(participantId) !== peer) {
      this.audio.leave(place);
      throw new SignallingError('WRONG_STATE', 'The socket was closed.');
    }
    // Its former connection, to another server, does not count any more, whether that server knows it yet or not.
    this.#remote?.show(participantId, null);
    peer.join(place, rtpCapabilities);
    this.peers.tellOthers(peer, 'peerJoined', peer.info);
    this.#span?.touch(participantId);
    if (!peer.announced) this.#owner.onConnected(this.id, participantId);
    peer.announced = true;
    const others = this.peers.others(peer).map(({ info }) => info);
    return { participants: [...others, ...this.remoteParticipants] };
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
    const wasJoined = peer.joined;
    peer.close();
    if (wasJoined) this.#tellGone(peer);
    if (peer.announced) this.#owner.onDisconnected(this.id, peer.participantId, reason);
    if (this.empty && !this.#closed) this.#owner.onEmpty(this);
  }

  /** Carries out an order of the stream subgraph; one about somebody who is not here does nothing. */
  async obey(order: ParticipantOrder): Promise<void> {
    const { participantId } = order;
    const peer = this.peers.find(participantId);
    if (!peer) return;
    if (order.kind === 'setRole') {
      peer.setRole(order.role);
      this.peers.tellAll('roleChanged', { participantId, role: order.role });
    } else if (order.kind === 'mute') {
      this.peers.tellAll('muteChanged', { participantId, muted: order.muted });
      await peer.setMuted(order.muted);
    } else {
      this.release(peer, order.reason);
      peer.connection.close(order.reason === 'CLIENT' ? 'LEFT' : 'REMOVED');
    }
    this.#span?.touch(participantId);
  }

  /** Idempotent. Tells peers, then closes their sockets, then its routers. */
  close(reason: 'ROOM_ENDED' | 'SERVER_SHUTDOWN'): void {
    if (this.#closed) return;
    this.#closed = true;
    if (reason === 'ROOM_ENDED') this.peers.tellAll('roomClosed', {});
    for (const peer of this.peers.all) {
      this.release(peer, reason);
      peer.connection.close(reason);
    }
    this.#span?.close();
    this.audio.close();
    this.#owner.onClosed(this.id);
  }

  onProducerOpened(peer: Peer, producer: types.Producer, router: types.Router): void {
    const { participantId } = peer;
    this.audio.addOwn(producer, router);
    const { id: producerId, paused } = producer;
    this.peers.tellOthers(peer, 'producerOpened', { participantId, producerId, paused });
    this.#span?.touch(participantId);
    this.#owner.onVoice(this.id, { participantId, producer, router });
  }

  onProducerPaused(peer: Peer, { id: producerId, paused }: types.Producer): void {
    const event = paused ? 'producerPaused' : 'producerResumed';
    const data = { participantId: peer.participantId, producerId };
    this.peers.tellOthers(peer, event, data);
    this.#span?.touch(peer.participantId);
    // Its owner learns of a pause by a moderator this way.
    if (peer.muted) peer.connection.notify(event, data);
  }

  onProducerClosed(peer: Peer, { id: producerId }: types.Producer): void {
    const data = { participantId: peer.participantId, producerId };
    this.audio.remove(producerId);
    this.peers.tellOthers(peer, 'producerClosed', data);
    this.#span?.touch(peer.participantId);
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
    const remote = this.#span?.remote.find(participantId) ?? null;
    const peer = this.peers.find(participantId);
    const serverId = this.#span?.serverId ?? '';
    if (peer && remote && outranks(remote, { ...peer, serverId })) this.#moveAway(peer);
    else this.#showRemote(participantId);
  }

  // To the outside the participant has been in the room all the time, so nobody is told of a disconnection.
  #moveAway(peer: Peer): void {
    peer.announced = false;
    this.release(peer, 'CONNECTION_LOST');
    peer.connection.close('DUPLICATE_IDENTITY');
  }

  #showRemote(participantId: string): void {
    const peer = this.peers.findJoined(participantId);
    this.#remote?.show(participantId, peer ? null : (this.#span?.remote.find(participantId) ?? null));
  }

  onWatchMoved(): void {
    this.audio.watch(this.#span?.isWatching ?? true);
  }

  onWatched(producer: types.Producer, router: types.Router): void {
    const participantId = senderOf(producer);
    // Whoever takes in all voices finds those of other servers here.
    if (this.#remote?.has(participantId)) this.#owner.onVoice(this.id, { participantId, producer, router });
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

  /** The peer had joined, and is not here any more. */
  #tellGone(peer: Peer): void {
    const { participantId } = peer;
    this.#levels.onGone(participantId);
    this.peers.tellOthers(peer, 'peerLeft', { participantId });
    this.#span?.touch(participantId);
    this.#showRemote(participantId);
  }

  #tellElsewhere({ event, data }: RosterChange): void {
    this.peers.tellAll(event, data);
    if (event === 'peerLeft') this.#levels.onGone(data.participantId);
  }
}
