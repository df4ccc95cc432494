import type { ParticipantInfo } from '#schema/signalling.ts';
import type { Attendance } from './attendance.ts';
import type { HeldPlaces, PlaceKind } from './mesh/room-directory.ts';
import { Places } from './places.ts';
import type { RoomPeers } from './room-peers.ts';

/** What a room has a limited number of. */
export class RoomPlaces {
  /** In the room: also of those who lost their connection and may come back. */
  readonly seats: Places;
  /** Of those who send, with as many streams as they like. */
  readonly voices: Places;

  constructor(peers: RoomPeers, attendance: Attendance) {
    const places = (
      kind: PlaceKind,
      isTaken: (participantId: string) => boolean,
      counts: (other: ParticipantInfo) => boolean,
    ): Places => {
      const elsewhere = (participantId: string) =>
        attendance.elsewhere.filter((one) => one.participantId !== participantId && counts(one)).length;
      return new Places({ kind, isTaken, elsewhere, shared: () => attendance.span?.entry ?? null });
    };
    this.seats = places(
      'seat',
      (participantId) => peers.find(participantId) !== null || attendance.isAwaited(participantId),
      () => true,
    );
    this.voices = places(
      'voice',
      (participantId) => peers.find(participantId)?.isSending === true,
      ({ producers }) => producers.length > 0,
    );
  }

  get held(): HeldPlaces {
    return { seat: this.seats.held, voice: this.voices.held };
  }

  /** Gives back what the participant does not use any more. */
  review(participantId: string): void {
    this.seats.review(participantId);
    this.voices.review(participantId);
  }
}
