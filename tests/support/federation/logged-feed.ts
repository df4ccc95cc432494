import { CodedError } from '#platform/errors.ts';
import { createLog } from '#platform/log.ts';
import { createInProcessClient } from '../../../gateway/engine/client/in-process.ts';
import type { SubgraphClient } from '../../../gateway/engine/client/subgraph-client.ts';
import { createEngine } from '../../../gateway/engine/create-engine.ts';
import type { Engine } from '../../../gateway/engine/engine.ts';
import type { LiveOptions } from '../../../gateway/engine/live/groups.ts';
import { composeSupergraph, createTestEndpoint, type TestSubgraphs } from './supergraph.ts';

/** A supergraph whose subscription `log` has a log: entries 1, 2, 3 … with the cursors `c1`, `c2`, `c3` …, their authors from a subgraph of their own. */
export interface LoggedFeed {
  readonly engine: Engine;
  /** From now on the feed tells the authors' names itself. */
  bringNamesHome(): void;
  takeNamesAway(): void;
  /** Adds an entry; its subscribers hear of it. */
  publish(): number;
  /** How many entries there are. */
  readonly size: number;
  /** Breaks every upstream, as a lost connection does. */
  cut(): void;
  /** While true, nobody can subscribe. */
  isDown: boolean;
  /** Resolves when somebody is refused. */
  refused(): Promise<void>;
  /** With what code everybody is refused now. */
  refusesWith: string | null;
  /** Whether subscribers are told where they start. */
  tellsStart: boolean;
  /** Upstreams that are open now, and that were opened so far. */
  readonly open: number;
  readonly opened: number;
  /** Resolves when no upstream is open any more. */
  allClosed(): Promise<void>;
  /** Entity fetches to the subgraph of authors. */
  readonly completions: number;
}

const FEED = `type Query { entries: Int } type Subscription { log(room: ID = "a", after: String): Event! plain: Line! }
  interface Event { cursor: String! seq: Int! }
  type Line implements Event { cursor: String! seq: Int! author: Author! }
  type Gap implements Event { cursor: String! seq: Int! reason: GapReason! }
  enum GapReason { EXPIRED SLOW_CONSUMER }
  type Author @key(fields: "id", resolvable: false) { id: ID! name: String! }`;
/** As it is composed: the feed could tell names as well, but nobody asks it for them. */
const namesElsewhere = FEED.replace('{ id: ID! name: String! }', '{ id: ID! }');
const AUTHORS = 'type Author @key(fields: "id") { id: ID! name: String! }';

export function createLoggedFeed(live: LiveOptions = {}): LoggedFeed {
  let size = 0;
  let wake = Promise.withResolvers<void>();
  let cutting = Promise.withResolvers<never>();
  let closing = Promise.withResolvers<void>();
  const refusing = Promise.withResolvers<void>();
  const counts = { open: 0, opened: 0, completions: 0 };
  const lineAt = (seq: number) => ({
    __typename: 'Line',
    seq,
    cursor: `c${seq}`,
    author: { id: `a${seq}`, name: `Name of a${seq}` },
  });

  const read = (name: string, after: string | null | undefined) => {
    let seq = after === null || after === undefined ? size : Number(after.slice(1));
    let isOver = false;
    const over = Promise.withResolvers<void>();
    const lost = cutting.promise;
    const isWaiting = () => !isOver && seq >= size;
    counts.open += 1;
    counts.opened += 1;
    const end = () => {
      if (isOver) return;
      isOver = true;
      over.resolve();
      counts.open -= 1;
      if (counts.open === 0) closing.resolve();
    };
    return {
      async next() {
        try {
          while (isWaiting()) await Promise.race([wake.promise, over.promise, lost]);
        } catch (error) {
          end();
          throw error;
        }
        if (isOver) return { value: undefined, done: true };
        seq += 1;
        return { value: { [name]: lineAt(seq) }, done: false };
      },
      async return() {
        end();
        return { value: undefined, done: true };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  };
  const log = { subscribe: (_: unknown, { after }: { after?: string | null }) => read('log', after) };
  const subgraphs: TestSubgraphs = {
    feed: {
      typeDefs: FEED,
      resolvers: { Subscription: { log, plain: { subscribe: () => read('plain', null) } } },
    },
    authors: {
      typeDefs: AUTHORS,
      resolvers: { Author: { name: ({ id }: { id: string }) => `Name of ${id}` } },
    },
  };
  const feed = {
    isDown: false,
    refused: () => refusing.promise,
    refusesWith: null as string | null,
    tellsStart: false,
    publish() {
      size += 1;
      wake.resolve();
      wake = Promise.withResolvers();
      return size;
    },
    get size() {
      return size;
    },
    cut() {
      cutting.reject(new CodedError('SUBGRAPH_UNAVAILABLE', 'The subgraph feed is gone.'));
      cutting = Promise.withResolvers();
      cutting.promise.catch(() => undefined);
    },
    get open() {
      return counts.open;
    },
    get opened() {
      return counts.opened;
    },
    get completions() {
      return counts.completions;
    },
    async allClosed() {
      closing = Promise.withResolvers();
      if (counts.open > 0) await closing.promise;
    },
  };
  cutting.promise.catch(() => undefined);
  const clients = (name: string): SubgraphClient => {
    const subgraph = subgraphs[name];
    if (!subgraph) throw new Error(`no test subgraph ${name}`);
    const client = createInProcessClient(createTestEndpoint(subgraph));
    return {
      ...client,
      fetch(request) {
        counts.completions += 1;
        return client.fetch(request);
      },
      subscribe: (request) => {
        const { refusesWith: code } = feed;
        if (code !== null) refusing.resolve();
        if (code !== null) return Promise.resolve({ errors: [{ message: 'No.', extensions: { code } }] });
        if (feed.tellsStart) request.onStart?.(`c${size}`);
        return feed.isDown
          ? Promise.reject(new CodedError('SUBGRAPH_UNAVAILABLE', 'The subgraph feed is down.'))
          : client.subscribe(request);
      },
    };
  };
  const sdl = composeSupergraph({ ...subgraphs, feed: { typeDefs: namesElsewhere } });
  const engine = createEngine({ sdl, clients, log: createLog('test', 'silent'), live });
  let homeSdl: string | undefined;
  const bringNamesHome = () =>
    engine.swap(
      (homeSdl ??= composeSupergraph({
        feed: { typeDefs: FEED.replace('resolvable: false', 'resolvable: true') },
      })),
    );
  return Object.assign(feed, { engine, bringNamesHome, takeNamesAway: () => engine.swap(sdl) });
}
