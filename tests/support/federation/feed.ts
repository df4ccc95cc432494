import { on } from 'node:events';
import { EventEmitter } from 'node:events';
import type { TestSubgraphs } from './supergraph.ts';

/** Two subgraphs: `feed` publishes posts, `names` knows their authors. */
export interface Feed {
  readonly subgraphs: TestSubgraphs;
  publish(id: string, authorId: string): void;
  /** Name that `names` answers with from now on. */
  rename(name: string): void;
  /** Resolves when the source of a subscription was closed by its reader. */
  readonly closed: Promise<void>;
}

export function createFeed(): Feed {
  const emitter = new EventEmitter();
  const closed = Promise.withResolvers<void>();
  let name = 'Ada';
  const posts = (_parent: unknown, { fail }: { fail?: boolean }) => {
    if (fail) throw new Error('no feed');
    const events = on(emitter, 'post');
    return {
      next: async () => {
        const { value, done } = await events.next();
        return { value: { posted: value?.[0] }, done };
      },
      return: async () => {
        closed.resolve();
        await events.return?.();
        return { value: undefined, done: true };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  };
  const headers = (_parent: unknown, _args: unknown, context: { headers: Record<string, string> }) =>
    JSON.stringify(context.headers);
  return {
    closed: closed.promise,
    publish: (id, authorId) => void emitter.emit('post', { id, author: { id: authorId } }),
    rename: (next) => void (name = next),
    subgraphs: {
      feed: {
        typeDefs: `type Query { posts: Int } type Subscription { posted(fail: Boolean): Post! other: Int }
          type Post { id: ID! author: Author headers: String } type Author @key(fields: "id", resolvable: false) { id: ID! }`,
        resolvers: { Subscription: { posted: { subscribe: posts } }, Post: { headers } },
      },
      names: {
        typeDefs: 'type Author @key(fields: "id") { id: ID! name: String! seen: String }',
        resolvers: { Author: { name: () => name, seen: headers } },
      },
    },
  };
}
