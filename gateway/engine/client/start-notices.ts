import { z } from 'zod';

const notice = z.object({ startToken: z.string(), cursor: z.string() });

type OnStart = ((cursor: string) => void) | undefined;

/** The pings by which subgraphs say where subscriptions of one socket start: see operationExtensions of platform/subgraph-socket.ts. */
export interface StartNotices {
  /** `token` goes with the subscription. `forget` when it is over. */
  expect(onStart: OnStart): { readonly token: string | undefined; readonly forget: () => void };
  /** A ping's payload came, whatever it is. */
  heard(payload: unknown): void;
}

export function createStartNotices(): StartNotices {
  const expected = new Map<string, (cursor: string) => void>();
  let count = 0;
  return {
    expect(onStart) {
      if (!onStart) return { token: undefined, forget: () => undefined };
      const token = `${++count}`;
      expected.set(token, onStart);
      return { token, forget: () => void expected.delete(token) };
    },
    heard(payload) {
      const { success, data } = notice.safeParse(payload);
      if (!success) return;
      expected.get(data.startToken)?.(data.cursor);
      expected.delete(data.startToken);
    },
  };
}
