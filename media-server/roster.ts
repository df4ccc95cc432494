import { maySpeak } from '#schema/live-role.ts';
import {
  LISTENER_COUNT_MS,
  LISTENERS_PER_PAGE,
  MAX_LISTED_LISTENERS,
  type ParticipantInfo,
  type RequestAnswer,
} from '#schema/signalling.ts';
import { ListedListeners } from './domain/listed-listeners.ts';
import { rosterChanges } from './domain/roster-changes.ts';
import { SortedIds } from './domain/sorted-ids.ts';
import type { RoomPeers } from './room-peers.ts';

const LISTING = { most: MAX_LISTED_LISTENERS, burst: MAX_LISTED_LISTENERS, perSecond: 10 };

export interface RosterOptions {
  /** The people of this server, who are told. */
  readonly peers: RoomPeers;
  /** Whoever that is as they are in the room now, wherever they are connected; null where they are not. */
  readonly find: (participantId: string) => ParticipantInfo | null;
  /** Everybody was told that they left. */
  readonly onLeft: (participantId: string) => void;
}

/**
 * Who is in a room, as people on this server know it: everybody who may speak, and listeners as far as they are listed. What has changed about somebody
 * is found by comparing them with what was told of them, so somebody who goes on elsewhere, or comes back in time, was never away.
 */
export class Roster {
  readonly #options: RosterOptions;
  readonly #everybody = new Map<string, ParticipantInfo>();
  readonly #listeners = new ListedListeners(LISTING, Date.now());
  readonly #listenerIds = new SortedIds();
  /** What people were told last. */
  #told: number | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: RosterOptions) {
    this.#options = options;
  }

  /** How many listen, in all; null while all of them are listed. */
  get listenerCount(): number | null {
    const { size } = this.#listenerIds;
    return size === this.#listeners.size ? null : size;
  }

  has(participantId: string): boolean {
    return this.#everybody.has(participantId);
  }

  /** The others who are listed. */
  listedBesides(participantId: string): ParticipantInfo[] {
    return [...this.#everybody.values()].filter(
      (one) => one.participantId !== participantId && this.#isListed(one),
    );
  }

  /** Listeners in the order of their ids, those that are listed included. */
  listenersBehind(after: string): RequestAnswer<'listListeners'> {
    const behind = this.#listenerIds.behind(after, LISTENERS_PER_PAGE + 1);
    const ids = behind.slice(0, LISTENERS_PER_PAGE);
    const participants = ids.flatMap((id) => this.#everybody.get(id) ?? []);
    return { participants, next: (behind.length > ids.length ? ids.at(-1) : null) ?? null };
  }

  /** Looks at somebody again, and tells what has changed. */
  refresh(participantId: string): void {
    const info = this.#options.find(participantId);
    this.#show(participantId, info && shownInfo(info));
  }

  /** They have left, whatever is known of them: who comes back comes anew. */
  forget(participantId: string): void {
    this.#show(participantId, null);
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
  }

  #isListed({ participantId, role }: ParticipantInfo): boolean {
    return maySpeak(role) || this.#listeners.has(participantId);
  }

  #show(participantId: string, now: ParticipantInfo | null): void {
    const former = this.#everybody.get(participantId) ?? null;
    const before = former && this.#isListed(former) ? former : null;
    this.#note(participantId, now);
    const after = now && this.#list(now, before !== null) ? now : null;
    if (!after || maySpeak(after.role)) this.#listeners.remove(participantId);
    for (const { event, data } of rosterChanges(before, after))
      this.#options.peers.tellBut(participantId, event, data);
    if (former && !now) this.#options.onLeft(participantId);
    this.#count();
  }

  #note(participantId: string, now: ParticipantInfo | null): void {
    if (now && !maySpeak(now.role)) this.#listenerIds.add(participantId);
    else this.#listenerIds.remove(participantId);
    if (now) this.#everybody.set(participantId, now);
    else this.#everybody.delete(participantId);
  }

  #list({ participantId, role }: ParticipantInfo, wasListed: boolean): boolean {
    if (maySpeak(role)) return true;
    if (wasListed) this.#listeners.keep(participantId);
    return this.#listeners.offer(participantId, Date.now());
  }

  // Told at once after a while of quiet, and then once in a while.
  #count(): void {
    if (this.#timer) return;
    const { listenerCount: count } = this;
    const hasSpace = count !== null && this.#listeners.size < LISTING.most;
    if (count === this.#told && !hasSpace) return;
    if (count !== this.#told) this.#options.peers.tellAll('listenerCount', { count });
    this.#told = count;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#fill();
      this.#count();
    }, LISTENER_COUNT_MS);
    this.#timer.unref();
  }

  /** Lists others in the place of those who have left. */
  #fill(): void {
    for (const info of this.#everybody.values()) {
      if (this.#isListed(info)) continue;
      if (!this.#listeners.offer(info.participantId, Date.now())) return;
      this.#options.peers.tellBut(info.participantId, 'peerJoined', info);
    }
  }
}

/** How well a listener is connected is nobody else's business. */
function shownInfo(info: ParticipantInfo): ParticipantInfo {
  if (maySpeak(info.role)) return info;
  const { quality: _quality, ...shown } = info;
  return shown;
}
