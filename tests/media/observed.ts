/** Keeps everything that arrived, and lets a test wait for what it expects, whether it came already or is still to come. */
export class Observed<T> {
  readonly all: T[] = [];
  #waiting: { matches: (item: T) => boolean; resolve: (item: T) => void }[] = [];

  add(item: T): void {
    this.all.push(item);
    const met = this.#waiting.filter(({ matches }) => matches(item));
    this.#waiting = this.#waiting.filter((one) => !met.includes(one));
    for (const { resolve } of met) resolve(item);
  }

  /** The first item that matches, from number `from` on. */
  async find(matches: (item: T) => boolean, from = 0): Promise<T> {
    const known = this.all.slice(from).find(matches);
    if (known !== undefined) return known;
    return new Promise((resolve) => this.#waiting.push({ matches, resolve }));
  }
}
