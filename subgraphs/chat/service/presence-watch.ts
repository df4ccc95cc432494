import type { Database } from '#platform/database.ts';
import { messageOf } from '#platform/errors.ts';
import { CoalescingQueue } from '#platform/events/coalesce.ts';
import type { Log } from '#platform/log.ts';
import { findPresence } from '../data/presence.repository.ts';
import { ABSENT, looksDifferent, presenceAt, type Presence } from '../domain/presence.ts';
import type { UserReference } from '../domain/references.ts';

export interface PresenceWatchOptions {
  readonly database: Database;
  readonly log: Log;
  readonly now: () => Date;
  readonly viewerId: string;
  readonly userIds: readonly string[];
  /** How often to look at everyone: signs of life expire without a word, and hints may get lost. */
  readonly pollMs?: number;
}

const POLL_MS = 5_000;
/** Shortest time between two looks at one person, and so between two changes that are told of them. */
export const LOOK_GAP_MS = 500;

/**
 * Yields each person at once, then whenever their presence looks different to the viewer, as it is by then. `return()` ends it, also while a
 * `next()` waits.
 */
export class PresenceWatch implements AsyncIterator<UserReference, void, void> {
  readonly #options: PresenceWatchOptions;
  readonly #seen = new Map<string, Presence>();
  readonly #due = new CoalescingQueue<string>({ keyOf: (id) => id, keyGapMs: LOOK_GAP_MS });
  readonly #changed: UserReference[] = [];
  readonly #timer: NodeJS.Timeout;
  #ended = false;

  constructor(options: PresenceWatchOptions) {
    this.#options = options;
    this.look(options.userIds);
    this.#timer = setInterval(() => this.look(options.userIds), options.pollMs ?? POLL_MS).unref();
  }

  /** Looks at these people again. */
  look(userIds: readonly string[]): void {
    for (const id of userIds) this.#due.push(id);
  }

  async next(): Promise<IteratorResult<UserReference, void>> {
    while (!this.#ended) {
      const value = this.#changed.shift();
      if (value) return { done: false, value };
      const due = await this.#due.next();
      if (!due.done) await this.#compare([due.value, ...this.#due.takeAll()]);
    }
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<UserReference, void>> {
    this.#ended = true;
    clearInterval(this.#timer);
    void this.#due.return();
    return Promise.resolve({ done: true, value: undefined });
  }

  async #compare(userIds: readonly string[]): Promise<void> {
    const { database, log, now, viewerId } = this.#options;
    try {
      const signs = await findPresence(database.fork(), viewerId, userIds);
      const found = new Map(signs.map((sign) => [sign.userId, presenceAt(sign, now())]));
      for (const id of userIds) this.#note(id, found.get(id) ?? ABSENT);
    } catch (error) {
      // Everyone is looked at again with the next poll.
      log.warn({ reason: messageOf(error) }, 'presence not readable');
    }
  }

  #note(id: string, presence: Presence): void {
    const before = this.#seen.get(id);
    if (before && !looksDifferent(before, presence)) return;
    this.#seen.set(id, presence);
    this.#changed.push({ id });
  }
}
