import type { FakeEngine, FakeUpstream } from './fake-engine.ts';

/**
 * A gap-free log behind the `log` subscription of fake engines, served by each of them as the platform does: what is behind `after`, then what is
 * appended.
 */
export interface ServedLog {
  readonly cursors: readonly string[];
  append(count: number): void;
  /** Appends, but whoever follows now gets one event that tells of it, as a gateway does for a client that reads too slowly. */
  skip(count: number): void;
  /** Appends, and ends whoever follows now with the error of that code. */
  refuse(count: number, code: string): void;
  /** The position that each subscription began with; null for one that began with what was appended next. */
  readonly begun: (string | null)[];
  /** Subscriptions as they came. */
  readonly upstreams: FakeUpstream[];
  /** Resolves with the next subscription. */
  nextUpstream(): Promise<FakeUpstream>;
}

export function serveLog(...engines: readonly FakeEngine[]): ServedLog {
  const cursors: string[] = [];
  const begun: (string | null)[] = [];
  const upstreams: FakeUpstream[] = [];
  let waiting = Promise.withResolvers<FakeUpstream>();
  const push = (upstream: FakeUpstream, cursor: string) =>
    upstream.pushResult({ data: { log: { __typename: 'Line', cursor } } });
  const serve = async (engine: FakeEngine): Promise<never> => {
    for (;;) {
      const upstream = await engine.nextUpstream();
      const after = upstream.request.variables?.['after'];
      begun.push(typeof after === 'string' ? after : null);
      const start = typeof after === 'string' ? cursors.indexOf(after) + 1 : cursors.length;
      for (const cursor of cursors.slice(start)) push(upstream, cursor);
      upstreams.push(upstream);
      waiting.resolve(upstream);
      waiting = Promise.withResolvers();
    }
  };
  for (const engine of engines) void serve(engine);
  const add = (count: number): string[] => {
    const start = cursors.length + 1;
    const added = Array.from({ length: count }, (_, index) => `c${start + index}`);
    cursors.push(...added);
    return added;
  };
  return {
    cursors,
    begun,
    upstreams,
    nextUpstream: () => waiting.promise,
    append(count) {
      for (const cursor of add(count)) for (const upstream of upstreams) push(upstream, cursor);
    },
    skip(count) {
      const cursor = add(count).at(-1);
      for (const upstream of upstreams)
        upstream.pushResult({ data: { log: { __typename: 'LogResyncRequired', cursor } } });
    },
    refuse(count, code) {
      add(count);
      for (const upstream of upstreams.splice(0)) {
        upstream.pushResult({ errors: [{ message: code, extensions: { code } }] });
        upstream.end();
      }
    },
  };
}
