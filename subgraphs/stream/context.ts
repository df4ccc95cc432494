import type { Database } from '#platform/database.ts';
import type { FileStore } from '#platform/files/file-store.ts';
import type { OperationScope } from '#platform/subgraph.ts';
import type { Broadcasts } from './service/broadcasts.ts';
import { createCatalog, type Catalog } from './service/catalog.ts';
import type { CommentFeed } from './service/comment-feed.ts';
import type { Comments } from './service/comments.ts';
import type { Connections } from './service/connections.ts';
import type { Floor } from './service/floor.ts';
import type { Joining } from './service/joining.ts';
import type { LiveFeeds } from './service/live-events.ts';
import type { LiveReactions } from './service/live-reactions.ts';
import type { LiveRooms } from './service/live-rooms.ts';
import type { Publishing } from './service/publishing.ts';
import { createRecordingReads, type RecordingReads } from './service/recording-reads.ts';
import type { Recordings } from './service/recordings.ts';
import { createStage, type Stage } from './service/stage.ts';
import type { Tracks } from './service/tracks.ts';

export interface Services {
  readonly tracks: Tracks;
  readonly comments: Comments;
  readonly commentFeed: CommentFeed;
  readonly liveRooms: LiveRooms;
  readonly joining: Joining;
  readonly floor: Floor;
  readonly liveFeeds: LiveFeeds;
  readonly liveReactions: LiveReactions;
  readonly connections: Connections;
  readonly recordings: Recordings;
  readonly publishing: Publishing;
  readonly broadcasts: Broadcasts;
  readonly files: FileStore;
}

interface Readers {
  readonly catalog: Catalog;
  readonly stage: Stage;
  readonly recorded: RecordingReads;
}

/** What the resolvers of one operation work with. */
export interface Context extends OperationScope, Services, Readers {
  /** Makes the next read ask the database again: a mutation must not answer with what was read before it. */
  forget(): void;
}

export function createContext(scope: OperationScope, services: Services, database: Database): Context {
  const viewerId = scope.viewer?.userId ?? null;
  const read = (): Readers => {
    const em = database.fork();
    return {
      catalog: createCatalog(em, viewerId),
      stage: createStage(em, viewerId),
      recorded: createRecordingReads(em),
    };
  };
  const context: Context = {
    ...scope,
    ...services,
    ...read(),
    forget: () => void Object.assign(context, read()),
  };
  return context;
}
