/** Whose turn it is, where not everybody can have one in each round: those first who have waited for longest. */
export class Rotation<T extends WeakKey> {
  readonly #rounds = new WeakMap<T, number>();
  #round = 0;

  take(all: readonly T[], limit: number): T[] {
    this.#round += 1;
    const waiting = all.toSorted((a, b) => this.#lastRound(a) - this.#lastRound(b));
    const taken = waiting.slice(0, limit);
    for (const one of taken) this.#rounds.set(one, this.#round);
    return taken;
  }

  #lastRound(one: T): number {
    return this.#rounds.get(one) ?? 0;
  }
}
