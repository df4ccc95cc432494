import { EventEmitter } from 'node:events';
import { GraphQLError } from 'graphql';
import type { TestSubgraphs } from './supergraph.ts';

/**
 * Subgraphs whose subscription a test drives: `sayings` has a log for each topic, `people` knows the names of those who have said it. Topics
 * that begin with `secret` are for nobody.
 */
export interface Sayings {
  readonly subgraphs: TestSubgraphs;
  /** Adds to the log of a topic. `sour` has no taste: asking for it is an error. */
  say(topic: string, text: string): void;
  /** Ends the topic for all who listen. */
  end(topic: string): void;
  /** Resolves as soon as so many listen to a topic, each subscription of the gateway one. */
  untilHeardBy(topic: string, count: number): Promise<void>;
}

interface Topic {
  readonly texts: string[];
  listeners: number;
  ends: number;
}

const SAYINGS = `type Query { topics: Int! } type Mutation { say(topic: ID!, text: String!): Int! }
  type Subscription { said(topic: ID!, after: String): Saying! }
  type Saying { cursor: String! text: String! taste: String by: Person! }
  type Person @key(fields: "id", resolvable: false) { id: ID! }`;
const PEOPLE = 'type Person @key(fields: "id") { id: ID! name: String! }';

export function createSayings(): Sayings {
  const topics = new Map<string, Topic>();
  const changes = new EventEmitter().setMaxListeners(0);
  const topicOf = (name: string) => {
    const topic = topics.get(name) ?? { texts: [], listeners: 0, ends: 0 };
    topics.set(name, topic);
    return topic;
  };
  const change = (name: string, apply: (topic: Topic) => void) => {
    apply(topicOf(name));
    changes.emit(name);
  };
  const say = (name: string, text: string) => change(name, ({ texts }) => texts.push(text));

  const listen = (_parent: unknown, { topic: name, after }: { topic: string; after?: string | null }) => {
    if (name.startsWith('secret'))
      throw new GraphQLError('Not for you.', { extensions: { code: 'FORBIDDEN' } });
    const topic = topicOf(name);
    const { ends } = topic;
    let at = after ? Number(after) : topic.texts.length;
    const state = { isOver: false };
    change(name, () => (topic.listeners += 1));
    const stop = () => {
      if (state.isOver) return;
      state.isOver = true;
      change(name, () => (topic.listeners -= 1));
    };
    return {
      async next() {
        while (!state.isOver && at >= topic.texts.length) {
          if (topic.ends > ends) stop();
          else await new Promise((resolve) => changes.once(name, resolve));
        }
        if (state.isOver) return { value: undefined, done: true };
        const text = topic.texts[at] ?? '';
        at += 1;
        return { value: { said: { cursor: String(at), text, by: { id: 'ada' } } }, done: false };
      },
      async return() {
        stop();
        return { value: undefined, done: true };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  };
  const taste = ({ text }: { text: string }) => {
    if (text === 'sour') throw new GraphQLError('No taste.', { extensions: { code: 'TASTELESS' } });
    return 'sweet';
  };
  const mutate = (_parent: unknown, { topic, text }: { topic: string; text: string }) => {
    say(topic, text);
    return topicOf(topic).texts.length;
  };
  return {
    say,
    end: (name) => change(name, (topic) => (topic.ends += 1)),
    async untilHeardBy(name, count) {
      while (topicOf(name).listeners !== count) await new Promise((resolve) => changes.once(name, resolve));
    },
    subgraphs: {
      sayings: {
        typeDefs: SAYINGS,
        resolvers: {
          Query: { topics: () => topics.size },
          Mutation: { say: mutate },
          Subscription: { said: { subscribe: listen } },
          Saying: { taste },
        },
      },
      people: {
        typeDefs: PEOPLE,
        resolvers: { Person: { name: ({ id }: { id: string }) => `Name of ${id}` } },
      },
    },
  };
}
