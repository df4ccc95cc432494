import type { ParticipantInfo } from '#schema/signalling.ts';
import { rosterChanges, type RosterChange } from '../domain/roster-changes.ts';
import type { RoomAudio } from '../room-audio.ts';
import type { RoomStream } from '../routing/supply.ts';
import type { LocatedSeat } from './remote-seats.ts';
import type { RoomSpan } from './room-span.ts';

/** Those on other servers, as people on this one see them. Their streams are kept with the room's. */
export class RemoteRoster {
  readonly #span: RoomSpan;
  readonly #audio: RoomAudio;
  readonly #shown = new Map<string, LocatedSeat>();

  constructor(span: RoomSpan, audio: RoomAudio) {
    this.#span = span;
    this.#audio = audio;
  }

  get participants(): ParticipantInfo[] {
    return [...this.#shown.values()].map(({ info }) => info);
  }

  has(participantId: string): boolean {
    return this.#shown.has(participantId);
  }

  find(participantId: string): ParticipantInfo | null {
    return this.#shown.get(participantId)?.info ?? null;
  }

  /** Shows the participant as they are now, or as gone. */
  show(participantId: string, seat: LocatedSeat | null): void {
    const before = this.#shown.get(participantId)?.info ?? null;
    if (seat) this.#shown.set(participantId, seat);
    else this.#shown.delete(participantId);
    for (const change of rosterChanges(before, seat?.info ?? null)) this.#follow(change, seat);
  }

  #follow({ event, data }: RosterChange, seat: LocatedSeat | null): void {
    if (event === 'producerOpened' && seat) this.#audio.add(this.#stream(seat, data.producerId));
    if (event === 'producerPaused') this.#span.setPaused(data.producerId, true);
    if (event === 'producerResumed') this.#span.setPaused(data.producerId, false);
    if (event !== 'producerClosed') return;
    this.#audio.remove(data.producerId);
    this.#span.drop(data.producerId);
  }

  #stream({ serverId, info: { participantId } }: LocatedSeat, producerId: string): RoomStream {
    const isPaused = () =>
      this.#shown
        .get(participantId)
        ?.info.producers.some((one) => one.producerId === producerId && one.paused) ?? true;
    return {
      producerId,
      participantId,
      paused: isPaused,
      entry: () => this.#audio.home?.router ?? null,
      enter: () => this.#span.use(serverId, producerId, participantId),
    };
  }
}
