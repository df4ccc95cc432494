import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** How many of the objects are still alive once everything that nobody can reach has been collected. */
export async function survivors(objects: readonly WeakRef<object>[]): Promise<number> {
  // A WeakRef keeps what it was made of, or asked for, alive until the job is over.
  await new Promise(setImmediate);
  collect();
  return objects.filter((object) => object.deref() !== undefined).length;
}
