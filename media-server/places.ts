import type { PlaceKind } from './mesh/room-directory.ts';
import type { RoomEntry } from './mesh/room-entry.ts';

export interface PlacesOptions {
  readonly kind: PlaceKind;
  /** Where servers that host the room take places from each other; null while this one hosts it alone. */
  readonly shared: () => RoomEntry | null;
  /** Whether that participant is here, and does what needs the place. */
  readonly isTaken: (participantId: string) => boolean;
  /** How many others are known to do so on other servers: those count where the directory is away. */
  readonly elsewhere: (participantId: string) => number;
}

/**
 * Places in a room of which there is a limited number, as people on this server have them. One is had from the moment at which it was asked for: two
 * who ask for the last one do not both get it, on one server or on several.
 */
export class Places {
  readonly #options: PlacesOptions;
  /** Those who have a place, or are about to know whether they get one. */
  readonly #held = new Set<string>();
  /** Those who are about to use theirs, and how many times. */
  readonly #entering = new Map<string, number>();

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  get held(): string[] {
    return [...this.#held];
  }

  /**
   * Calls `enter` with whether the participant has one of `limit` places, null for any number. Who has one already keeps it. It is given back as soon as
   * nobody uses it, be it that `enter` came to nothing.
   */
  async with<T>(
    participantId: string,
    limit: number | null,
    enter: (isFree: boolean) => T | Promise<T>,
  ): Promise<T> {
    this.#entering.set(participantId, (this.#entering.get(participantId) ?? 0) + 1);
    try {
      return await enter(await this.#take(participantId, limit));
    } finally {
      const left = (this.#entering.get(participantId) ?? 1) - 1;
      if (left > 0) this.#entering.set(participantId, left);
      else this.#entering.delete(participantId);
      this.review(participantId);
    }
  }

  /** Gives the participant's place back where it is not used any more. */
  review(participantId: string): void {
    if (!this.#held.has(participantId) || this.#entering.has(participantId)) return;
    if (this.#options.isTaken(participantId)) return;
    this.#held.delete(participantId);
    this.#options.shared()?.give(this.#options.kind, participantId);
  }

  async #take(participantId: string, limit: number | null): Promise<boolean> {
    const { kind, shared, elsewhere } = this.#options;
    const has = this.#held.has(participantId);
    const others = this.#held.size - Number(has);
    const isFree = () => has || limit === null || others + elsewhere(participantId) < limit;
    const entry = shared();
    if (!entry && !isFree()) return false;
    this.#held.add(participantId);
    // Asked by whoever has one, too: it may be of another server by now.
    return entry?.take(kind, participantId, limit).catch(isFree) ?? true;
  }
}
