/** How much may wait: the sum of what `weightOf` says of each value. */
export interface GatherLimits<T> {
  weightOf(value: T): number;
  readonly maxWeight: number;
}

/**
 * What has come while the reader was busy, together and in order; one value alone where nothing else has. `source` is read on meanwhile, until
 * the limit is reached. Its error comes after all that came before it. Whoever stops reading early has to end `source`.
 */
export async function* gather<T>(source: AsyncIterable<T>, limits: GatherLimits<T>): AsyncGenerator<T[]> {
  const waiting: { values: T[]; weight: number } = { values: [], weight: 0 };
  let filled = Promise.withResolvers<void>();
  let emptied = Promise.withResolvers<void>();
  let ended = false;
  const fill = async () => {
    try {
      for await (const value of source) {
        waiting.values.push(value);
        waiting.weight += limits.weightOf(value);
        filled.resolve();
        if (waiting.weight >= limits.maxWeight) await emptied.promise;
        if (ended) return;
      }
    } finally {
      ended = true;
      filled.resolve();
    }
  };
  const filling = fill();
  // It is awaited in the end; until then nobody looks.
  filling.catch(() => undefined);
  try {
    for (;;) {
      await filled.promise;
      const { values } = waiting;
      Object.assign(waiting, { values: [], weight: 0 });
      if (!ended) filled = Promise.withResolvers();
      emptied.resolve();
      emptied = Promise.withResolvers();
      if (values.length > 0) yield values;
      else if (ended) return await filling;
    }
  } finally {
    ended = true;
    emptied.resolve();
  }
}
