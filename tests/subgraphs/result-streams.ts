import { setImmediate } from 'node:timers/promises';
import type { ResultStream } from '#platform/subgraph-endpoint.ts';

/** The data of a subscription's next results, which must go on that long. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests assert what they read
export async function take(stream: ResultStream, count: number): Promise<any[]> {
  const found: unknown[] = [];
  while (found.length < count) {
    const { done, value } = await stream.next();
    if (done) throw new Error(`The stream ended after ${found.length} of ${count} events.`);
    if (value.errors) throw new Error(`An event failed: ${JSON.stringify(value.errors)}`);
    // Through JSON, as over a network: GraphQL's objects have no prototype.
    found.push(JSON.parse(JSON.stringify(value.data)));
  }
  return found;
}

/** With what a subscription ends that has nothing else to tell: the code and the message of its last result, or 'complete' where it just ends. */
export async function endOf(stream: ResultStream): Promise<string> {
  const { done, value } = await stream.next();
  if (done) return 'complete';
  if (value.data !== undefined) throw new Error(`An event came before the end: ${JSON.stringify(value)}`);
  const { message, extensions } = value.errors?.[0] ?? {};
  if (!(await stream.next()).done) throw new Error('The stream goes on behind its last result.');
  return `${String(extensions?.['code'])} ${message}`;
}

/** Asks again until it is so, for what happens behind the bus; the test runner's time limit ends it. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await setImmediate();
}
