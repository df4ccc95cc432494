import { text } from 'node:stream/consumers';
import { GraphQLError } from 'graphql';
import { GraphQLUpload, type FileUpload } from 'graphql-upload-ts';
import { CodedError, invalid, Refusal } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { DateTime } from '#platform/scalars.ts';
import { createEndpoint, type OperationScope } from '#platform/subgraph.ts';
import type { SubgraphEndpoint } from '#platform/subgraph-endpoint.ts';
import { createTopics, type Topics } from './topics.ts';

export const TINY_SECRET = 'a-secret-of-the-tests-that-is-long-enough';

interface Context extends OperationScope {
  readonly number: number;
}

const FAILURES: Readonly<Record<string, () => Error>> = {
  plain: () => new Error('secret detail'),
  bare: () => new GraphQLError('secret detail'),
  coded: () => new CodedError('CONFLICT', 'Taken.', { currentVersion: 3 }),
  refusal: () => new Refusal(invalid('input.a', 'TOO_LONG', 'Too long.'), invalid('input.b', 'X', 'Wrong.')),
  database: () => Object.assign(new Error('invalid input syntax: secret detail'), { code: '22P02' }),
};

export interface TinySubgraph {
  readonly endpoint: SubgraphEndpoint;
  readonly topics: Topics;
}

/** The smallest subgraph that has every kind of field; its subscriptions read `topics`. */
export function tinySubgraph(log: Log): TinySubgraph {
  const topics = createTopics();
  let contexts = 0;
  const tick = {
    subscribe: (_parent: unknown, { of }: { of: string }) => topics.listen(of),
    resolve: (value: string) => ({ value }),
  };
  const resolvers = {
    DateTime,
    Upload: GraphQLUpload,
    Query: {
      whoAmI: (_parent: unknown, _args: unknown, { viewer }: Context) => viewer?.userId,
      adminOnly: () => true,
      context: (_parent: unknown, _args: unknown, { number }: Context) => number,
      correlationId: (_parent: unknown, _args: unknown, context: Context) => context.correlationId,
      echo: (_parent: unknown, args: { text: string }) => args.text,
      fail: (_parent: unknown, { how }: { how: string }) => {
        throw FAILURES[how]!();
      },
      mood: () => 'UNKNOWN',
      notNull: () => null,
    },
    Mutation: {
      upload: async (_parent: unknown, { file }: { file: Promise<FileUpload> }) => {
        const { filename, createReadStream } = await file;
        return `${filename}: ${await text(createReadStream())}`;
      },
    },
    Subscription: {
      ticks: tick,
      mine: tick,
      refused: {
        subscribe: () => {
          throw new CodedError('FORBIDDEN', 'Not for you.');
        },
      },
    },
    Tick: {
      viewer: (_parent: unknown, _args: unknown, { viewer }: Context) => viewer?.userId ?? null,
      context: (_parent: unknown, _args: unknown, { number }: Context) => number,
    },
  };
  const schemaFile = new URL('tiny-subgraph.graphql', import.meta.url);
  const createContext = (scope: OperationScope): Context => ({ ...scope, number: (contexts += 1) });
  return {
    endpoint: createEndpoint({ schemaFile, resolvers, createContext, secret: TINY_SECRET, log }),
    topics,
  };
}
