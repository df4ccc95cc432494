export interface Outcomes {
  readonly total: number;
  readonly failures: number;
}

export interface SlidingWindow {
  record(isFailure: boolean): void;
  outcomes(): Outcomes;
  clear(): void;
}

interface Slice {
  /** Which slice of time since the clock's zero. */
  readonly index: number;
  total: number;
  failures: number;
}

/** The window moves on in this many steps, so that memory does not grow with the number of requests. */
const SLICES = 10;

/** Counts outcomes of the last `windowMs`. */
export function createSlidingWindow(windowMs: number, now: () => number): SlidingWindow {
  const sliceMs = windowMs / SLICES;
  let slices: Slice[] = [];
  const current = () => Math.floor(now() / sliceMs);
  const prune = (index: number) => {
    if (slices[0] && slices[0].index <= index - SLICES)
      slices = slices.filter((slice) => slice.index > index - SLICES);
  };
  return {
    record(isFailure) {
      const index = current();
      prune(index);
      let slice = slices.at(-1);
      if (slice?.index !== index) slices.push((slice = { index, total: 0, failures: 0 }));
      slice.total += 1;
      if (isFailure) slice.failures += 1;
    },
    outcomes() {
      prune(current());
      return slices.reduce<Outcomes>(
        (sum, slice) => ({
          total: sum.total + slice.total,
          failures: sum.failures + slice.failures,
        }),
        { total: 0, failures: 0 },
      );
    },
    clear: () => void (slices = []),
  };
}
