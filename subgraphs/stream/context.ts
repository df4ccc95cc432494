import type { Database } from '#platform/database.ts';
import type { FileStore } from '#platform/files/file-store.ts';
import type { OperationScope } from '#platform/subgraph.ts';
import { createCatalog, type Catalog } from './service/catalog.ts';
import type { CommentFeed } from './service/comment-feed.ts';
import type { Comments } from './service/comments.ts';
import type { Floor } from './service/floor.ts';
import type { Joining } from './service/joining.ts';
import type { LiveFeeds } from './service/live-events.ts';
import type { LiveRooms } from './service/live-rooms.ts';
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
  readonly files: FileStore;
}

interface Readers {
  readonly catalog: Catalog;
  readonly stage: Stage;
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
    return { catalog: createCatalog(em, viewerId), stage: createStage(em, viewerId) };
  };
  let readers = read();
  return {
    ...scope,
    ...services,
    get catalog() {
      return readers.catalog;
    },
    get stage() {
      return readers.stage;
    },
    forget: () => void (readers = read()),
  };
}
