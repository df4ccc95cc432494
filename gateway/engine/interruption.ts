/** Something that may end a wait from outside, once. */
export interface Interruption<T> {
  /** Ends every wait, under way or to come, with this value. */
  end(value: T): void;
  /** What `promise` comes to, or the value of the end where that is first. */
  orEnd<V>(promise: Promise<V>): Promise<V | T>;
}

/** `Promise.race` against one promise for the end would add a reaction to it with every wait, and each of those keeps a result alive. */
export function createInterruption<T>(): Interruption<T> {
  const waiting = new Set<(value: T) => void>();
  let ended: { readonly value: T } | undefined;
  return {
    end(value) {
      ended ??= { value };
      for (const resolve of waiting) resolve(ended.value);
    },
    orEnd<V>(promise: Promise<V>) {
      return new Promise<V | T>((resolve, reject) => {
        if (ended) resolve(ended.value);
        else waiting.add(resolve);
        const leave = () => waiting.delete(resolve);
        promise.then(
          (value) => (leave(), resolve(value)),
          (error: unknown) => (leave(), reject(error)),
        );
      });
    },
  };
}
