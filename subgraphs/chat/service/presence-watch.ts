import type { Database } from '#platform/database.ts';
import { messageOf } from '#platform/errors.ts';
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

const POLL_MS = 10_000;

/** Yields each person at once, then whenever their presence looks different to the viewer. `return()` ends it, also while a `next()` waits. */
export class PresenceWatch implements AsyncIterator<UserReference, void, void> {
  readonly #options: PresenceWatchOptions;
  readonly #seen = new Map<string, Presence>();
  readonly #due: Set<string>;
  readonly #changed: UserReference[] = [];
  readonly #timer: NodeJS.Timeout;
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(options: PresenceWatchOptions) {
    this.#options = options;
    this.#due = new Set(options.userIds);
    this.#timer = setInterval(() => this.look(options.userIds), options.pollMs ?? POLL_MS).unref();
  }

  /** Looks at these people again. */
  look(userIds: readonly string[]): void {
    for (const id of userIds) this.#due.add(id);
    this.#wake();
  }

  async next(): Promise<IteratorResult<UserReference, void>> {
    while (!this.#ended) {
      const value = this.#changed.shift();
      if (value) return { done: false, value };
      if (this.#due.size > 0) await this.#compare();
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<UserReference, void>> {
    this.#ended = true;
    clearInterval(this.#timer);
    this.#wake();
    return Promise.resolve({ done: true, value: undefined });
  }

  async #compare(): Promise<void> {
    const { database, log, now, viewerId } = this.#options;
    const userIds = [...this.#due];
    this.#due.clear();
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
