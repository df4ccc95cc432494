import type { RemoteSeat } from '#schema/media-mesh.ts';
import type { ParticipantInfo } from '#schema/signalling.ts';
import { LostSeats } from './lost-seats.ts';
import { RemoteRoster } from './mesh/remote-roster.ts';
import type { LocatedSeat } from './mesh/remote-seats.ts';
import type { RoomSpan } from './mesh/room-span.ts';
import type { RoomAudio } from './room-audio.ts';
import type { RoomPeers } from './room-peers.ts';
import { Roster } from './roster.ts';

export interface AttendanceOptions {
  readonly peers: RoomPeers;
  /** Whoever lost their connection is in the room for as long, to others. */
  readonly resumeWindowMs: number;
  /** They are in the room no more. */
  readonly onLeft: (participantId: string) => void;
  /** Something about their presence may have changed, of which people on this server know by now. */
  readonly onLooked: (participantId: string) => void;
}

/**
 * Who is in a room, wherever they are: connected to this server, to another one, or to none since a moment, because their connection broke and they
 * may come back. People on this server and other servers are told of what changes.
 */
export class Attendance {
  readonly roster: Roster;
  readonly #peers: RoomPeers;
  readonly #onLooked: (participantId: string) => void;
  /** Their connection was to this server. */
  readonly #lost: LostSeats;
  /** Their connection was to a server that is gone. */
  readonly #lostElsewhere: LostSeats;
  #span: RoomSpan | null = null;
  #remote: RemoteRoster | null = null;

  constructor({ peers, resumeWindowMs, onLeft, onLooked }: AttendanceOptions) {
    this.#peers = peers;
    this.#onLooked = onLooked;
    this.#lost = new LostSeats(resumeWindowMs, (participantId) => this.changed(participantId));
    this.#lostElsewhere = new LostSeats(resumeWindowMs, (participantId) => this.look(participantId));
    this.roster = new Roster({ peers, find: (participantId) => this.#find(participantId), onLeft });
  }

  get span(): RoomSpan | null {
    return this.#span;
  }

  /** Participants on other servers. */
  get elsewhere(): readonly ParticipantInfo[] {
    return this.#remote?.participants ?? [];
  }

  /** What other servers are told: those who have joined here, and those whose connection to here broke. */
  get seats(): RemoteSeat[] {
    return [...this.#peers.joined.map(({ seat }) => seat), ...this.#lost.all];
  }

  seatOf(participantId: string): RemoteSeat | null {
    return this.#peers.findJoined(participantId)?.seat ?? this.#lost.find(participantId);
  }

  /** From now on the room is one with that of other servers. */
  spanWith(span: RoomSpan, audio: RoomAudio): void {
    this.#span = span;
    this.#remote = new RemoteRoster(span, audio);
  }

  /** The connection of somebody else to another server, where they are not connected to this one as well. */
  findElsewhere(participantId: string): LocatedSeat | null {
    return this.#span?.remote.find(participantId) ?? null;
  }

  /** Something about somebody may have changed: people on this server are told. */
  look(participantId: string): void {
    const isHere = this.#peers.findJoined(participantId) !== null;
    // A connection to another server does not count any more, whether that server knows it yet or not.
    this.#remote?.show(participantId, isHere ? null : this.findElsewhere(participantId));
    if (isHere || this.#remote?.has(participantId)) this.endWait(participantId);
    this.roster.refresh(participantId);
    this.#onLooked(participantId);
  }

  /** Something about somebody's presence here has changed: people on this server and other servers are told. */
  changed(participantId: string): void {
    this.look(participantId);
    this.#span?.touch(participantId);
  }

  /** A connection to this server broke, which may be resumed. */
  wait(seat: RemoteSeat): void {
    this.#lost.add(seat);
  }

  /** Whether they may resume a connection to this server. */
  isAwaited(participantId: string): boolean {
    return this.#lost.find(participantId) !== null;
  }

  /** The server of somebody is gone. Who was waited for there has had their time. */
  loseElsewhere(seat: RemoteSeat): void {
    if (!seat.lost) this.#lostElsewhere.add(seat);
    this.look(seat.info.participantId);
  }

  /** They are not waited for any more; servers that were told that they are hear of it. */
  endWait(participantId: string): void {
    this.#lostElsewhere.end(participantId);
    if (this.#lost.end(participantId)) this.#span?.touch(participantId);
  }

  /** They have left: if they are here now, they came anew. */
  forget(participantId: string): void {
    this.endWait(participantId);
    this.roster.forget(participantId);
  }

  close(): void {
    this.#span?.close();
    this.#lost.close();
    this.#lostElsewhere.close();
    this.roster.close();
  }

  #find(participantId: string): ParticipantInfo | null {
    const here = this.#peers.findJoined(participantId)?.info ?? this.#remote?.find(participantId);
    const lost = this.#lost.find(participantId) ?? this.#lostElsewhere.find(participantId);
    return here ?? lost?.info ?? null;
  }
}
