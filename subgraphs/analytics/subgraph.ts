import { createEndpoint } from '#platform/subgraph.ts';
import type { Foundation, Subgraph, SubgraphDefinition } from '#platform/subgraph-process.ts';
import { createContext, type Services } from './context.ts';
import { OLD_BUCKETS } from './data/message.repository.ts';
import { OLD_ANONYMOUS_PLAYS } from './data/anonymous-play.repository.ts';
import { AnalyticsTables } from './data/migrations/analytics-tables.ts';
import { AnonymousPlayTable } from './data/migrations/anonymous-play-table.ts';
import { MessageBucketIndex } from './data/migrations/message-bucket-index.ts';
import { SearchTables } from './data/migrations/search-tables.ts';
import { UnlistedListeners } from './data/migrations/unlisted-listeners.ts';
import { PlayEntity } from './data/play.entity.ts';
import { LiveRoom, Room, Track } from './data/subject.entity.ts';
import { registerReactions } from './reactions.ts';
import { resolvers } from './resolvers/resolvers.ts';
import { seed } from './seed.ts';
import { createLiveCounters } from './service/live-counters.ts';
import { createPlays } from './service/plays.ts';

/** Search, plays and charts, artists' insights, live counters: read models of what the other subgraphs tell. */
export function analyticsSubgraph(): SubgraphDefinition {
  return {
    name: 'analytics',
    entities: [Track, Room, LiveRoom, PlayEntity],
    migrations: [AnalyticsTables, SearchTables, MessageBucketIndex, AnonymousPlayTable, UnlistedListeners],
    purges: [OLD_BUCKETS, OLD_ANONYMOUS_PLAYS],
    create: createAnalyticsSubgraph,
  };
}

function createAnalyticsSubgraph(foundation: Foundation): Subgraph {
  const { database, secret, log, now } = foundation;
  const services: Services = {
    plays: createPlays(foundation),
    liveCounters: createLiveCounters(foundation),
  };
  registerReactions(foundation);
  const endpoint = createEndpoint({
    schemaFile: new URL('schema.graphql', import.meta.url),
    resolvers,
    createContext: (scope) => createContext(scope, services, database, now()),
    secret,
    log,
  });
  return { endpoint, stop: () => services.liveCounters.close(), seed: () => seed(foundation) };
}
