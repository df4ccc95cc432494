/** Ids in their order, of which pages are taken without looking at all. */
export class SortedIds {
  readonly #ids: string[] = [];

  add(id: string): void {
    const at = this.#placeOf(id);
    if (this.#ids[at] !== id) this.#ids.splice(at, 0, id);
  }

  remove(id: string): void {
    const at = this.#placeOf(id);
    if (this.#ids[at] === id) this.#ids.splice(at, 1);
  }

  get size(): number {
    return this.#ids.length;
  }

  /** Up to `limit` of those behind `after`. */
  behind(after: string, limit: number): string[] {
    const at = this.#placeOf(after);
    const from = this.#ids[at] === after ? at + 1 : at;
    return this.#ids.slice(from, from + limit);
  }

  /** Of the first id that is not smaller. */
  #placeOf(id: string): number {
    let [low, high] = [0, this.#ids.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ids[middle] ?? '') < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
