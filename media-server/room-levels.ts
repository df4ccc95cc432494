import type { SpeakersReport } from '#schema/media-bus.ts';
import type { RoomPeers } from './room-peers.ts';

/** Measurements, some three a second, in which somebody may be silent while others are heard, and keep the floor. */
const PAUSES = 4;

/** Who speaks and who holds the floor, as the peers of one server are told. */
export class RoomLevels {
  readonly #peers: Pick<RoomPeers, 'tellAll' | 'hintLevels'>;
  #dominant: string | null = null;
  /** Who prevailed last. That is told once: not when they are silent, nor when they go on after that. */
  #prevailed: string | null = null;
  #pauses = 0;

  constructor(peers: Pick<RoomPeers, 'tellAll' | 'hintLevels'>) {
    this.#peers = peers;
  }

  get dominant(): string | null {
    return this.#dominant;
  }

  /** At most five times a second, loudest first; an empty list once when all fall silent. */
  onLevels(levels: SpeakersReport['levels']): void {
    this.#give(this.#holderAmong(levels));
    this.#peers.hintLevels(levels);
  }

  onDominant(participantId: string | null): void {
    this.#prevailed = participantId;
    this.#give(participantId);
  }

  /** As another server measured them. */
  onReport({ dominant, levels }: SpeakersReport): void {
    this.onDominant(dominant);
    this.#peers.hintLevels(levels);
  }

  /** Whoever has gone holds the floor no more. */
  onGone(participantId: string): void {
    if (this.#prevailed === participantId) this.#prevailed = null;
    if (this.#dominant === participantId) this.#give(null);
  }

  #holderAmong(levels: SpeakersReport['levels']): string | null {
    const [loudest] = levels;
    if (!loudest) return null;
    const heard = [this.#prevailed, this.#dominant].find((id) =>
      levels.some(({ participantId }) => participantId === id),
    );
    if (heard) this.#pauses = 0;
    return (
      heard ?? (this.#dominant !== null && ++this.#pauses < PAUSES ? this.#dominant : loudest.participantId)
    );
  }

  #give(participantId: string | null): void {
    if (this.#dominant === participantId) return;
    this.#dominant = participantId;
    this.#pauses = 0;
    this.#peers.tellAll('activeSpeaker', { participantId });
  }
}
