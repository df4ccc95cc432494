import type { Database } from '#platform/database.ts';
import { CodedError, messageOf } from '#platform/errors.ts';
import { decodeCursor, encodeCursor, type Cursor } from '#platform/events/cursor.ts';
import type { StreamHead } from '#platform/events/event-log.ts';
import { LiveStream } from '#platform/events/live-stream.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { polledCursor } from '#platform/events/tail-poll.ts';
import { resyncReason } from '#platform/events/tail-window.ts';
import type { Log } from '#platform/log.ts';
import type { Listening } from '#platform/polling/poll.ts';
import type { Viewer } from '#platform/viewer.ts';
import { changesHead, listChanges, listRoomIdsOf } from '../data/room-change.repository.ts';
import {
  memberChangesTopic,
  roomChangesTopic,
  type InboxChange,
  type InboxEvent,
  type InboxStart,
} from '../domain/inbox-event.ts';
import { LiveHints, polledHints, type InboxHints } from './inbox-hints.ts';

/** What people's sidebars are told. */
export interface Inbox {
  /** Read what is to be followed after it. */
  start(userId: string): Promise<InboxStart>;
  /**
   * The viewer's rooms that have changed behind `after`, in order, each at its newest change, then those that change. `after: null` starts now.
   * Resolves once it is live. The right to it is never lost: what may be seen of a room is looked at with each event.
   */
  follow(
    viewer: Viewer,
    after: string | null,
    listening: Listening,
  ): Promise<AsyncIterableIterator<InboxEvent, void, void>>;
}

export interface InboxDeps {
  readonly database: Database;
  readonly liveBus: LiveBus;
  readonly log: Log;
}

export function createInbox(deps: InboxDeps): Inbox {
  return {
    start: async (userId) => ({ userId, eventCursor: encodeCursor(await newestPlace(deps)) }),

    async follow({ userId }, after, { signal, poll, onStart }) {
      const given = after === null ? null : decodeCursor(after);
      const start = poll ? polledCursor(poll, given) : given;
      const source = new InboxReader(deps, userId, poll ? polledHints(poll) : new LiveHints(deps));
      poll?.keep(() => source.cursor);
      try {
        await source.open(start);
        onStart?.(encodeCursor(source.cursor));
      } catch (error) {
        await source.return();
        throw error;
      }
      return new LiveStream({ source, step: (emit: InboxEvent) => ({ emit }), signal });
    },
  };
}

const READ_CHANGES = 100;

const newestPlace = async ({ database }: InboxDeps): Promise<Cursor> =>
  placeOf(await changesHead(database.fork()));

const placeOf = ({ epoch, lastSeq }: StreamHead): Cursor => ({ epoch, seq: lastSeq });

/** Lives as long as its subscription. The tables are the truth; hints only say when to look. One `next()` at a time. */
class InboxReader implements AsyncIterator<InboxEvent, void, void> {
  readonly #deps: InboxDeps;
  readonly #userId: string;
  readonly #hints: InboxHints;
  readonly #found: InboxChange[] = [];
  #cursor: Cursor = { epoch: 0, seq: 0 };
  /** All up to here is found. */
  #knownSeq = -1;
  #ended = false;

  constructor(deps: InboxDeps, userId: string, hints: InboxHints) {
    this.#deps = deps;
    this.#userId = userId;
    this.#hints = hints;
  }

  /** Behind what it has given. */
  get cursor(): Cursor {
    return this.#cursor;
  }

  async open(start: Cursor | null): Promise<void> {
    // Before it listens: a room that is joined in between is behind the cursor, and so is heard of.
    this.#cursor = start ?? (await newestPlace(this.#deps));
    await this.#listen();
  }

  async next(): Promise<IteratorResult<InboxEvent, void>> {
    while (!this.#ended) {
      const event = this.#take() ?? (await this.#look().catch((error: unknown) => this.#recover(error)));
      if (event) return { done: false, value: event };
      if (!(await this.#hints.next())) break;
    }
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<InboxEvent, void>> {
    this.#ended = true;
    this.#hints.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  #take(): InboxEvent | null {
    const change = this.#found.shift();
    if (!change) return null;
    this.#cursor = { epoch: this.#cursor.epoch, seq: change.position };
    return { __typename: 'InboxRoomChanged', cursor: encodeCursor(this.#cursor), roomId: change.roomId };
  }

  /** Finds what has changed behind the cursor. */
  async #look(): Promise<InboxEvent | null> {
    const { database } = this.#deps;
    const head = await changesHead(database.fork());
    const reason = resyncReason(this.#cursor, head);
    if (reason !== null) {
      await this.#listen();
      this.#cursor = placeOf(head);
      return { __typename: 'InboxResyncRequired', cursor: encodeCursor(this.#cursor), reason };
    }
    this.#cursor = { epoch: head.epoch, seq: this.#cursor.seq };
    if (head.lastSeq === this.#knownSeq) return null;
    const changes = await listChanges(database.fork(), this.#userId, this.#cursor.seq, READ_CHANGES);
    // Before it is told who has come into a room: what happens there from now on is heard, and what did is found by the next look.
    if (changes.some(({ isPersonal }) => isPersonal)) await this.#listen();
    if (changes.length < READ_CHANGES) this.#knownSeq = head.lastSeq;
    this.#found.push(...changes);
    return this.#take();
  }

  /** Rooms that are joined meanwhile are told of by the person's own topic, and by the next look. */
  async #listen(): Promise<void> {
    const own = memberChangesTopic(this.#userId);
    const roomIds = await listRoomIdsOf(this.#deps.database.fork(), this.#userId);
    await this.#hints.listen([own, ...roomIds.map(roomChangesTopic)]);
  }

  async #recover(error: unknown): Promise<null> {
    if (error instanceof CodedError) throw error;
    this.#deps.log.warn({ reason: messageOf(error) }, 'inbox not readable, looking again');
    this.#hints.retry();
    return null;
  }
}
