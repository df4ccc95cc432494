import { MEDIA_GRANT_TTL_MS, type GrantRefusal, type MediaGrant } from '#platform/media-grant.ts';
import type { SingleUse } from '#platform/single-use.ts';
import type { DisconnectReason } from '#schema/media-bus.ts';
import { PROTOCOL_VERSION, type CloseReason, type RequestAnswer } from '#schema/signalling.ts';
import { opusSettingsFor } from '../domain/opus.ts';
import type { Peer } from '../peer.ts';
import type { Room } from '../room.ts';
import type { Rooms } from '../rooms.ts';
import type { Connection } from './connection.ts';
import { SignallingError } from './signalling-error.ts';

export interface SessionDeps {
  readonly rooms: Rooms;
  readonly maxPeersPerRoom: number;
  /** The grant as it stands now, or why it is refused. */
  readonly admit: (token: string) => MediaGrant | GrantRefusal | 'REMOVED' | 'ROOM_ENDED';
  readonly usedGrants: SingleUse;
}

/** Binds one connection to a participant, once it has shown a grant. */
export class Session {
  readonly #deps: SessionDeps;
  readonly #connection: () => Connection;
  #seat: { room: Room; peer: Peer } | null = null;

  /** `connection` is asked for late, because connection and session need each other. */
  constructor(deps: SessionDeps, connection: () => Connection) {
    this.#deps = deps;
    this.#connection = connection;
  }

  get authenticated(): boolean {
    return this.#seat !== null;
  }

  /** Who sits here, for the log; null before `authenticate`. */
  get participant(): { liveRoomId: string; participantId: string; userId: string } | null {
    if (!this.#seat) return null;
    const { room, peer } = this.#seat;
    return { liveRoomId: room.id, participantId: peer.participantId, userId: peer.userId };
  }

  /** Room and peer. Throws WRONG_STATE before `authenticate`. */
  requireSeat(): { room: Room; peer: Peer } {
    if (!this.#seat) throw new SignallingError('WRONG_STATE', 'Authenticate first.');
    return this.#seat;
  }

  async authenticate(token: string): Promise<RequestAnswer<'authenticate'>> {
    if (this.#seat) throw new SignallingError('WRONG_STATE', 'This socket is authenticated already.');
    const grant = this.#deps.admit(token);
    if (typeof grant === 'string') return this.#turnAway(grant);
    if (!(await this.#deps.usedGrants.take(grant.grantId, MEDIA_GRANT_TTL_MS)))
      return this.#turnAway('GRANT_USED');
    try {
      return await this.#deps.rooms.withRoom(grant.liveRoomId, (room) => this.#takeSeat(room, grant, token));
    } catch (error) {
      if (error instanceof SignallingError) return this.#turnAway('MEDIA_UNAVAILABLE');
      throw error;
    }
  }

  #takeSeat(room: Room, { participantId, capacity }: MediaGrant, token: string) {
    const { maxPeersPerRoom } = this.#deps;
    const limit = Math.min(maxPeersPerRoom, capacity ?? maxPeersPerRoom);
    return room.places.seats.with(participantId, limit, (isFree) =>
      isFree ? this.#sitDown(room, token) : this.#turnAway('ROOM_FULL'),
    );
  }

  #sitDown(room: Room, token: string): RequestAnswer<'authenticate'> {
    // Read again: an order may have come while the room was waiting for its worker, or the seat for the directory.
    const grant = this.#deps.admit(token);
    if (typeof grant === 'string') return this.#turnAway(grant);
    const connection = this.#connection();
    if (connection.closed) throw new SignallingError('WRONG_STATE', 'The socket was closed.');
    if (room.closed) throw new SignallingError('MEDIA_UNAVAILABLE', 'The room was closed meanwhile.');
    const { rtpCapabilities } = room.requireHome();
    const peer = room.admit(grant, connection);
    this.#seat = { room, peer };
    return {
      protocolVersion: PROTOCOL_VERSION,
      liveRoomId: grant.liveRoomId,
      participantId: peer.participantId,
      userId: grant.userId,
      role: peer.role,
      muted: peer.muted,
      opus: opusSettingsFor(grant.musicMode),
      routerRtpCapabilities: rtpCapabilities,
    };
  }

  #turnAway(reason: CloseReason): never {
    this.#connection().close(reason);
    throw new SignallingError('WRONG_STATE', 'The socket was closed.');
  }

  ended(reason: CloseReason | 'LEFT' | null): void {
    this.#seat?.room.release(this.#seat.peer, disconnectReason(reason));
  }
}

function disconnectReason(reason: CloseReason | 'LEFT' | null): DisconnectReason {
  if (reason === 'LEFT') return 'CLIENT';
  if (reason === 'SERVER_SHUTDOWN') return reason;
  return 'CONNECTION_LOST';
}
