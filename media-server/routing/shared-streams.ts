import type { types } from 'mediasoup';

/** A stream that can be consumed on `router` until it is released. */
export interface StreamUse {
  readonly producer: types.Producer;
  readonly router: types.Router;
  /** Idempotent. */
  readonly release: () => void;
}

interface Entry {
  readonly opening: Promise<Omit<StreamUse, 'release'>>;
  uses: number;
}

/** Producers that several use at the same time: opened for the first of them, closed after the last. */
export class SharedStreams {
  readonly #entries = new Map<string, Entry>();

  /** Streams that are open or being opened. */
  get size(): number {
    return this.#entries.size;
  }

  /** The stream of that key; `open` makes it where nobody uses it yet. Rejects as `open` does. */
  async use(key: string, open: () => Promise<Omit<StreamUse, 'release'>>): Promise<StreamUse> {
    const entry = this.#entries.get(key) ?? this.#add(key, open());
    entry.uses++;
    const { producer, router } = await entry.opening;
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      entry.uses--;
      if (entry.uses > 0) return;
      this.#forget(key, entry);
      producer.close();
    };
    return { producer, router, release };
  }

  #add(key: string, opening: Entry['opening']): Entry {
    const entry: Entry = { opening, uses: 0 };
    this.#entries.set(key, entry);
    // A stream that ends by itself, or never began, is opened anew for the next one.
    const forget = () => this.#forget(key, entry);
    void watchEnd(opening, forget);
    return entry;
  }

  #forget(key: string, entry: Entry): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }
}

async function watchEnd(opening: Entry['opening'], onEnded: () => void): Promise<void> {
  try {
    const { producer } = await opening;
    producer.observer.once('close', onEnded);
    if (producer.closed) onEnded();
  } catch {
    onEnded();
  }
}
