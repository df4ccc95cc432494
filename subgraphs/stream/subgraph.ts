import { createEndpoint } from '#platform/subgraph.ts';
import type { Foundation, Subgraph, SubgraphDefinition } from '#platform/subgraph-process.ts';
import { createContext, type Services } from './context.ts';
import { LiveParticipantEntity, LiveRoomEntity } from './data/live-room.entity.ts';
import { StreamBans } from './data/migrations/stream-bans.ts';
import { StreamBroadcastAudience } from './data/migrations/stream-broadcast-audience.ts';
import { StreamFloor } from './data/migrations/stream-floor.ts';
import { StreamHands } from './data/migrations/stream-hands.ts';
import { StreamListeners } from './data/migrations/stream-listeners.ts';
import { StreamPeople } from './data/migrations/stream-people.ts';
import { StreamRecordings } from './data/migrations/stream-recordings.ts';
import { StreamResumption } from './data/migrations/stream-resumption.ts';
import { StreamTables } from './data/migrations/stream-tables.ts';
import { RecordingEntity, RecordingFileEntity, RecordingTakeEntity } from './data/recording.entity.ts';
import { TrackCommentEntity, TrackEntity } from './data/track.entity.ts';
import type { MediaServers } from './domain/ports.ts';
import { registerReactions } from './reactions.ts';
import { resolvers } from './resolvers/resolvers.ts';
import { seed } from './seed.ts';
import { createBroadcasts } from './service/broadcasts.ts';
import { createCommentFeed } from './service/comment-feed.ts';
import { createComments } from './service/comments.ts';
import { createConnections } from './service/connections.ts';
import { createEviction } from './service/eviction.ts';
import { createFloor } from './service/floor.ts';
import { createHeartbeats } from './service/heartbeats.ts';
import type { TurnOptions } from './service/ice-servers.ts';
import { createJoining } from './service/joining.ts';
import { createListenerCounts } from './service/listener-counts.ts';
import { createListening } from './service/listening.ts';
import { createLiveFeeds } from './service/live-events.ts';
import { createLiveReactions } from './service/live-reactions.ts';
import { createLiveRooms } from './service/live-rooms.ts';
import { createMediaFleet, type MediaFleet } from './service/media-fleet.ts';
import { createMediaOrders, type MediaOrders } from './service/media-orders.ts';
import { createPresence } from './service/presence.ts';
import { createPublishing } from './service/publishing.ts';
import { createRecordingReports } from './service/recording-reports.ts';
import { createRecordingWatch } from './service/recording-watch.ts';
import { createRecordings } from './service/recordings.ts';
import { createTracks } from './service/tracks.ts';

export interface StreamOptions {
  readonly media: MediaServers;
  /** TURN servers to name to clients; null or left out for none. */
  readonly turn?: TurnOptions | null;
  /** How often to look for media servers that fell silent. */
  readonly sweepMs?: number;
}

/** Tracks with their likes and comments, and live rooms. */
export function streamSubgraph(options: StreamOptions): SubgraphDefinition {
  return {
    name: 'stream',
    entities: [
      TrackEntity,
      TrackCommentEntity,
      LiveRoomEntity,
      LiveParticipantEntity,
      RecordingEntity,
      RecordingTakeEntity,
      RecordingFileEntity,
    ],
    migrations: [
      StreamTables,
      StreamRecordings,
      StreamFloor,
      StreamResumption,
      StreamListeners,
      StreamBroadcastAudience,
      StreamHands,
      StreamPeople,
      StreamBans,
    ],
    create: (foundation) => createStreamSubgraph(foundation, options),
  };
}

interface Deps extends Foundation {
  readonly media: MediaFleet;
  readonly orders: MediaOrders;
  readonly turn: TurnOptions | null;
}

function createServices(deps: Deps): Services {
  const tracks = createTracks(deps);
  return {
    tracks,
    comments: createComments(deps),
    commentFeed: createCommentFeed(deps),
    liveRooms: createLiveRooms(deps),
    joining: createJoining(deps),
    floor: createFloor(deps),
    liveFeeds: createLiveFeeds(deps),
    liveReactions: createLiveReactions(deps),
    connections: createConnections(deps),
    recordings: createRecordings(deps),
    publishing: createPublishing({ ...deps, tracks }),
    broadcasts: createBroadcasts(deps),
    files: deps.files,
  };
}

function createStreamSubgraph(foundation: Foundation, options: StreamOptions): Subgraph {
  const { database, secret, log } = foundation;
  const { turn = null, sweepMs } = options;
  const media = createMediaFleet(options.media);
  const orders = createMediaOrders(foundation);
  const deps: Deps = { ...foundation, orders, media, turn };
  const services = createServices(deps);
  const presence = createPresence(deps);
  const recordingReports = createRecordingReports(deps);
  const recordingWatch = createRecordingWatch({ ...deps, reports: recordingReports });
  const listenerCounts = createListenerCounts(deps);
  const eviction = createEviction(deps);
  registerReactions({ ...deps, presence, eviction, recordingReports, recordingWatch });
  const { connections } = services;
  const watches = { presence, recordingWatch, listenerCounts, connections, fleet: media };
  const heartbeats = createHeartbeats({ ...deps, ...watches, sweepMs });
  const endpoint = createEndpoint({
    schemaFile: new URL('schema.graphql', import.meta.url),
    resolvers,
    createContext: (scope) => createContext(scope, services, database),
    secret,
    log,
  });
  const running = [heartbeats, connections, createListening(deps), listenerCounts];
  return {
    endpoint,
    start: () => running.forEach((one) => one.start()),
    async stop() {
      services.liveReactions.stop();
      await Promise.all(running.map((one) => one.stop()));
    },
    seed: () => seed(services, database),
  };
}
