import assert from 'node:assert/strict';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { isResultStream, type ResultStream } from '#platform/subgraph-endpoint.ts';
import {
  createAnnouncedSubscriptions,
  type AnnouncedSubscriptionsOptions,
} from '../../../gateway/engine/client/event-driven/announced-subscriptions.ts';
import { createInProcessClient } from '../../../gateway/engine/client/in-process.ts';
import type {
  SubgraphAnswer,
  SubgraphClient,
  SubgraphFetch,
} from '../../../gateway/engine/client/subgraph-client.ts';
import { createEngine } from '../../../gateway/engine/create-engine.ts';
import { silentLog } from '../../support/events.ts';
import {
  composeSupergraph,
  createTestEndpoint,
  type TestSubgraphs,
} from '../../support/federation/supergraph.ts';

const REVIEWS: Readonly<Record<string, object>> = {
  1: { __typename: 'Review', id: '1', text: 'good', authorId: 'a', secret: null },
  2: { __typename: 'Review', id: '2', text: 'bad', authorId: 'b' },
  broken: { __typename: 'Review', id: 'broken' },
};

interface Review {
  readonly id: string;
  readonly text?: string;
  readonly authorId?: string;
}

/** `reviews` only publishes which entity is new; `authors` knows their names. */
const SUBGRAPHS: TestSubgraphs = {
  reviews: {
    typeDefs: `
      type Query { none: Int }
      enum Kind { NEW OLD }
      type Subscription {
        reviewAdded(productId: ID!, lang: String): Review
        activity(kind: Kind! = NEW, page: Int, live: Boolean): Activity
        changed(id: ID!): Node!
        unannounced: Review
      }
      union Activity = Review | Rating
      interface Node { id: ID! }
      type Review implements Node @key(fields: "id") {
        id: ID! text(upper: Boolean = false): String! author: Author viewer: String
      }
      type Rating implements Node @key(fields: "id") @key(fields: "product { id } stars") { id: ID! product: Product stars: Int! }
      type Product @key(fields: "id") { id: ID! }
      type Author @key(fields: "id", resolvable: false) { id: ID! }`,
    resolvers: {
      Activity: { __resolveType: ({ __typename: name }: { __typename: string }) => name },
      Node: { __resolveType: ({ __typename: name }: { __typename: string }) => name },
      Review: {
        __resolveReference: ({ id }: Review) => REVIEWS[id] ?? null,
        text({ id, text = '' }: Review, { upper }: { upper: boolean }) {
          if (id === 'broken') throw new Error('no text');
          return upper ? text.toUpperCase() : text;
        },
        author: ({ authorId: id }: Review) => (id === undefined ? null : { id }),
        viewer: (_review: Review, _args: object, { headers }: { headers: Record<string, string> }) =>
          headers['who'] ?? null,
      },
      Rating: { __resolveReference: (rating: object) => ({ id: 'rating', ...rating }) },
    },
  },
  authors: {
    typeDefs: 'type Author @key(fields: "id") { id: ID! name: String! }',
    resolvers: { Author: { name: ({ id }: { id: string }) => `Author ${id}` } },
  },
};

export const TOPICS = {
  reviewAdded: 'review.added.{productId}',
  activity: 'activity.{kind}',
  changed: 'node:{id}:changed',
};

/** An engine over these subgraphs, whose events are announced on a bus. */
export function announcing(
  options: Partial<AnnouncedSubscriptionsOptions> = {},
  bus: LiveBus = memoryLiveBus(),
) {
  const counts = { malformed: 0, dropped: 0 };
  const fetches: SubgraphFetch[] = [];
  let answering: ((request: SubgraphFetch) => Promise<SubgraphAnswer> | null) | null = null;
  const clients = (name: string): SubgraphClient => {
    const subgraph = SUBGRAPHS[name];
    assert.ok(subgraph);
    const bare = createInProcessClient(createTestEndpoint(subgraph));
    if (name !== 'reviews') return bare;
    const client: SubgraphClient = {
      ...bare,
      fetch(request) {
        fetches.push(request);
        return answering?.(request) ?? bare.fetch(request);
      },
    };
    const announced = createAnnouncedSubscriptions({
      ...{ name, client, liveBus: bus, topics: TOPICS, log: silentLog },
      onMalformed: () => void (counts.malformed += 1),
      onDropped: () => void (counts.dropped += 1),
      ...options,
    });
    return { ...client, ...announced };
  };
  const engine = createEngine({ sdl: composeSupergraph(SUBGRAPHS), clients, log: silentLog });
  const subscribe = (
    query: string,
    variables: Record<string, unknown> = {},
    headers: Record<string, string> = {},
  ) => engine.subscribe({ query, variables }, { headers, signal: new AbortController().signal });
  return {
    bus,
    counts,
    fetches,
    engine,
    /** What the subgraph does in place of answering; null: it answers. */
    answer: (next: typeof answering) => void (answering = next),
    subscribe,
    async open(...args: Parameters<typeof subscribe>): Promise<ResultStream> {
      const stream = await subscribe(...args);
      assert.ok(isResultStream(stream), JSON.stringify(stream));
      return stream;
    },
    async codeOf(...args: Parameters<typeof subscribe>) {
      const result = await subscribe(...args);
      assert.ok(!isResultStream(result));
      return result.errors?.[0]?.extensions?.['code'];
    },
  };
}

/** The next result as a client reads it. */
export async function next(stream: ResultStream): Promise<unknown> {
  const { value } = await stream.next();
  return JSON.parse(JSON.stringify(value ?? null));
}
