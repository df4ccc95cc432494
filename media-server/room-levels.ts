import type { SpeakersReport } from '#schema/media-bus.ts';
import type { RoomPeers } from './room-peers.ts';

/** Who speaks and who holds the floor, as the peers of one server are told. */
export class RoomLevels {
  readonly #peers: RoomPeers;
  #dominant: string | null = null;

  constructor(peers: RoomPeers) {
    this.#peers = peers;
  }

  get dominant(): string | null {
    return this.#dominant;
  }

  /** At most five times a second, loudest first; an empty list once when all fall silent. */
  onLevels(levels: SpeakersReport['levels']): void {
    if (levels.length === 0) this.onDominant(null);
    this.#peers.hintLevels(levels);
  }

  onDominant(participantId: string | null): void {
    if (this.#dominant === participantId) return;
    this.#dominant = participantId;
    this.#peers.tellAll('activeSpeaker', { participantId });
  }

  /** As another server measured them. */
  onReport({ dominant, levels }: SpeakersReport): void {
    this.onDominant(dominant);
    this.#peers.hintLevels(levels);
  }

  /** Whoever has gone holds the floor no more. */
  onGone(participantId: string): void {
    if (this.#dominant === participantId) this.onDominant(null);
  }
}
