import { messageOf } from '#platform/errors.ts';

/** What one side does for the other: name → function. Arguments and results are plain data. */
export type Procedures<T> = { readonly [K in keyof T]: (...given: never[]) => Promise<unknown> };

export interface Channel<Theirs extends Procedures<Theirs>> {
  /** Rejects with the message of what failed on the other side, or once the channel is closed. */
  call<K extends keyof Theirs & string>(
    name: K,
    ...given: Parameters<Theirs[K]>
  ): Promise<Awaited<ReturnType<Theirs[K]>>>;
  /** Every call under way rejects with this reason, and so does every later one. */
  close(reason: Error): void;
}

/** One end of the messages between two processes. What is sent to a process that has ended is lost. */
export interface Link {
  send(message: Message): void;
  onMessage(listener: (message: unknown) => void): void;
}

export type Message =
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly name: string;
      readonly given: readonly unknown[];
    }
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly message: string };

/** Calls in both directions between this process and another one of the same code: `ours` are what it may call here. */
export function openChannel<Theirs extends Procedures<Theirs>>(
  link: Link,
  ours: Readonly<Record<string, (...given: never[]) => Promise<unknown>>>,
): Channel<Theirs> {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;
  let closed: Error | null = null;
  const answer = async (id: number, name: string, given: readonly unknown[]) => {
    try {
      // Both sides are of one version, and the types of what they call are checked there.
      const result = await ours[name]?.(...(given as never[]));
      link.send({ kind: 'result', id, result });
    } catch (error) {
      link.send({ kind: 'failure', id, message: messageOf(error) });
    }
  };
  link.onMessage((received) => {
    const message = received as Message;
    if (message.kind === 'call') return void answer(message.id, message.name, message.given);
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.kind === 'result') call?.resolve(message.result);
    else call?.reject(new Error(message.message));
  });
  return {
    call: (async (name: string, ...given: unknown[]) => {
      if (closed) throw closed;
      const id = ++lastId;
      const call = Promise.withResolvers<unknown>();
      waiting.set(id, call);
      link.send({ kind: 'call', id, name, given });
      return call.promise;
    }) as Channel<Theirs>['call'],
    close(reason) {
      closed = reason;
      for (const { reject } of waiting.values()) reject(reason);
      waiting.clear();
    },
  };
}
