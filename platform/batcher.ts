import DataLoader from 'dataloader';

/**
 * One run at a time, of everything that was asked for during the run before: an idle one starts at once, and the busier it is, the more shares a run.
 * `run` answers for each item, in their order; where it rejects, all of them reject.
 */
export function createBatcher<T, R>(
  run: (items: readonly T[]) => Promise<readonly R[]>,
  maxItems: number,
): (item: T) => Promise<R> {
  let underWay: Promise<unknown> = Promise.resolve();
  let last: Promise<unknown> = Promise.resolve();
  const loader = new DataLoader<T, R>(
    (items) => {
      const results = run(items);
      underWay = results.catch(() => undefined);
      return results;
    },
    {
      cache: false,
      maxBatchSize: maxItems,
      batchScheduleFn(dispatch) {
        last = last.then(() => {
          dispatch();
          return underWay;
        });
      },
    },
  );
  return (item) => loader.load(item);
}
