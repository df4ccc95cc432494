import { createEndpoint } from '#platform/subgraph.ts';
import type { Foundation, Subgraph, SubgraphDefinition } from '#platform/subgraph-process.ts';
import { createContext, type Services } from './context.ts';
import { LiveParticipantEntity, LiveRoomEntity } from './data/live-room.entity.ts';
import { StreamFloor } from './data/migrations/stream-floor.ts';
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
import { createListening } from './service/listening.ts';
import { createLiveFeeds } from './service/live-events.ts';
import { createLiveRooms } from './service/live-rooms.ts';
import { createMediaFleet } from './service/media-fleet.ts';
import { createMediaOrders } from './service/media-orders.ts';
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
    migrations: [StreamTables, StreamRecordings, StreamFloor, StreamResumption],
    create: (foundation) => createStreamSubgraph(foundation, options),
  };
}

function createStreamSubgraph(foundation: Foundation, options: StreamOptions): Subgraph {
  const { database, secret, log } = foundation;
  const { turn = null, sweepMs } = options;
  const media = createMediaFleet(options.media);
  const orders = createMediaOrders(foundation);
  const deps = { ...foundation, orders, media, turn };
  const presence = createPresence(deps);
  const recordingReports = createRecordingReports(deps);
  const recordingWatch = createRecordingWatch({ ...deps, reports: recordingReports });
  const tracks = createTracks(deps);
  const connections = createConnections(deps);
  const listening = createListening(deps);
  const services: Services = {
    tracks,
    comments: createComments(deps),
    commentFeed: createCommentFeed(deps),
    liveRooms: createLiveRooms(deps),
    joining: createJoining(deps),
    floor: createFloor(deps),
    liveFeeds: createLiveFeeds(deps),
    connections,
    recordings: createRecordings(deps),
    publishing: createPublishing({ ...deps, tracks }),
    broadcasts: createBroadcasts(deps),
    files: foundation.files,
  };
  const eviction = createEviction(deps);
  registerReactions({ ...deps, presence, eviction, recordingReports, recordingWatch });
  const heartbeats = createHeartbeats({ ...deps, presence, recordingWatch, fleet: media, sweepMs });
  const endpoint = createEndpoint({
    schemaFile: new URL('schema.graphql', import.meta.url),
    resolvers,
    createContext: (scope) => createContext(scope, services, database),
    secret,
    log,
  });
  return {
    endpoint,
    start() {
      heartbeats.start();
      connections.start();
      listening.start();
    },
    async stop() {
      await Promise.all([heartbeats.stop(), connections.stop(), listening.stop()]);
    },
    seed: () => seed(services, database),
  };
}
