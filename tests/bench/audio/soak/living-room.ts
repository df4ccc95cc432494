import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '#platform/ids.ts';
import type { MediaControl } from '#schema/media-bus.ts';
import { maySpeak, type LiveRole } from '#schema/live-role.ts';
import { Participant, type Venue } from './participant.ts';

/** Between two things that happen in a room. */
const PAUSE_MS = { min: 1_000, max: 7_000 };
/** How long somebody stays away, or silent. */
const AWAY_MS = { min: 0, max: 3_000 };
/** Every so manieth person decrypts what it gets; the others check headers and count. */
const DECRYPTING = 10;

export interface RoomOptions {
  readonly venue: Venue;
  readonly order: (order: MediaControl) => Promise<void>;
  /** From 0 to 1; all that happens in the room follows from it. */
  readonly random: () => number;
  readonly speakers: number;
  readonly listeners: number;
}

/** A live room and those who are in it. They may all move on to another room, so its id changes. */
export class LivingRoom {
  readonly #options: RoomOptions;
  #liveRoomId = newId('LiveRoom');
  #people: Participant[] = [];

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  get liveRoomId(): string {
    return this.#liveRoomId;
  }

  get people(): readonly Participant[] {
    return this.#people;
  }

  /** All enter at once. */
  async open(): Promise<void> {
    const { speakers, listeners } = this.#options;
    const roles = Array.from({ length: speakers + listeners }, (_, at) =>
      at < speakers ? 'SPEAKER' : 'LISTENER',
    );
    this.#people = await Promise.all(
      roles.map((role, at) => this.#enter(role, { decrypts: at % DECRYPTING === speakers })),
    );
  }

  /** Lets things happen, one after the other, until `signal` is aborted. */
  async live(signal: AbortSignal): Promise<void> {
    for (;;) {
      await delay(this.#between(PAUSE_MS), null, { signal }).catch(() => null);
      if (signal.aborted) return;
      await this.#somethingHappens();
    }
  }

  /** Everybody goes, in one way or the other. */
  async empty(): Promise<void> {
    if (this.#options.random() < 0.5) return this.#endRoom();
    await Promise.all(this.#people.map((one) => (this.#options.random() < 0.5 ? one.leave() : one.drop())));
  }

  readonly #events: readonly (readonly [weight: number, happens: () => Promise<void>])[] = [
    [4, () => this.#comesBack(this.#anybody('LISTENER'), (one) => one.leave())],
    [2, () => this.#comesBack(this.#anybody('LISTENER'), (one) => one.drop())],
    [2, () => this.#comesBack(this.#anybody('SPEAKER'), (one) => one.leave())],
    [1, () => this.#comesBack(this.#anybody('SPEAKER'), (one) => one.drop())],
    [1, () => this.#isReplaced(this.#anybody())],
    [1, () => this.#isRemoved(this.#anybody())],
    [3, () => this.#isSilent(this.#anybody('SPEAKER'))],
    [2, () => this.#isMuted(this.#anybody('SPEAKER'))],
    [2, () => this.#swapRoles()],
    [4, () => this.#anybody().restartIce()],
    [2, () => this.#anybody().listen()],
    [1, () => this.#moveOn()],
  ];

  async #somethingHappens(): Promise<void> {
    const total = this.#events.reduce((sum, [weight]) => sum + weight, 0);
    let at = this.#options.random() * total;
    const [, happens] = this.#events.find(([weight]) => (at -= weight) < 0) ?? [];
    await happens?.();
  }

  /** Leaves in that way, and is back a while later. */
  async #comesBack(one: Participant, goes: (one: Participant) => Promise<void>): Promise<void> {
    await goes(one);
    await this.#wait();
    this.#replace(one, await this.#enter(one.seat.role, one.seat));
  }

  /** Connects again before the former connection has ended. */
  async #isReplaced(one: Participant): Promise<void> {
    const ended = one.expectEnd('DUPLICATE_IDENTITY');
    this.#replace(one, await this.#enter(one.seat.role, one.seat));
    await ended;
  }

  async #isRemoved(one: Participant): Promise<void> {
    const { role, participantId, decrypts } = one.seat;
    const ended = one.expectEnd('REMOVED');
    await this.#order({ kind: 'remove', participantId, reason: 'REMOVED' });
    await ended;
    this.#replace(one, await this.#enter(role, { decrypts }));
  }

  async #isSilent(one: Participant): Promise<void> {
    await one.pause();
    await this.#wait();
    await one.resume();
  }

  async #isMuted(one: Participant): Promise<void> {
    const { participantId } = one.seat;
    for (const muted of [true, false]) {
      const told = one.notified(
        'muteChanged',
        (to) => to.participantId === participantId && to.muted === muted,
      );
      await this.#order({ kind: 'mute', participantId, muted });
      await told;
      if (muted) await this.#wait();
    }
    await one.resume();
  }

  /** One of the speakers and one of the listeners. */
  async #swapRoles(): Promise<void> {
    const pair = [this.#anybody('SPEAKER'), this.#anybody('LISTENER')];
    for (const one of pair) {
      const { participantId } = one.seat;
      const role = maySpeak(one.seat.role) ? 'LISTENER' : 'SPEAKER';
      const told = one.notified(
        'roleChanged',
        (to) => to.participantId === participantId && to.role === role,
      );
      await this.#order({ kind: 'setRole', participantId, role });
      await told;
      await one.take(role);
    }
  }

  /** The room ends, and the same people open another one. */
  async #moveOn(): Promise<void> {
    await this.#endRoom();
    this.#liveRoomId = newId('LiveRoom');
    this.#people = await Promise.all(this.#people.map(({ seat }) => this.#enter(seat.role, seat)));
  }

  async #endRoom(): Promise<void> {
    const ended = this.#people.map((one) => one.expectEnd('ROOM_ENDED'));
    await this.#options.order({ kind: 'endRoom', liveRoomId: this.#liveRoomId });
    await Promise.all(ended);
  }

  #enter(
    role: LiveRole,
    { participantId = newId('LiveParticipant'), decrypts }: Newcomer,
  ): Promise<Participant> {
    return Participant.enter(this.#options.venue, {
      liveRoomId: this.#liveRoomId,
      participantId,
      role,
      decrypts,
    });
  }

  #replace(former: Participant, next: Participant): void {
    this.#people = this.#people.map((one) => (one === former ? next : one));
  }

  #order(order: Order): Promise<void> {
    return this.#options.order({ ...order, liveRoomId: this.#liveRoomId });
  }

  #anybody(role?: LiveRole): Participant {
    const some = this.#people.filter(({ seat }) => role === undefined || seat.role === role);
    const one = some[Math.floor(this.#options.random() * some.length)];
    if (!one) throw new Error(`nobody is ${role}`);
    return one;
  }

  #wait(): Promise<void> {
    return delay(this.#between(AWAY_MS));
  }

  #between({ min, max }: { min: number; max: number }): number {
    return min + this.#options.random() * (max - min);
  }
}

interface Newcomer {
  readonly participantId?: string;
  readonly decrypts: boolean;
}

type Order =
  | { readonly kind: 'remove'; readonly participantId: string; readonly reason: 'REMOVED' }
  | { readonly kind: 'mute'; readonly participantId: string; readonly muted: boolean }
  | { readonly kind: 'setRole'; readonly participantId: string; readonly role: LiveRole };
