import { z } from 'zod';
import {
  NOTIFICATIONS,
  participantInfo,
  serverFrame,
  type NotificationData,
  type NotificationEvent,
  type ParticipantInfo,
} from '#schema/signalling.ts';
import type { SignallingClient } from './signalling-client.ts';

const joinAnswer = z.object({ participants: z.array(participantInfo) });

/** What a client knows of the others in its room, from the frames of its socket in their order. */
export class RosterFollower {
  readonly roster = new Map<string, ParticipantInfo>();
  #waiting: { isMet: () => boolean; resolve: () => void }[] = [];

  constructor({ socket }: SignallingClient) {
    socket.on('message', (data) => {
      this.#read(data.toString());
      const met = this.#waiting.filter(({ isMet }) => isMet());
      this.#waiting = this.#waiting.filter((one) => !met.includes(one));
      for (const { resolve } of met) resolve();
    });
  }

  /** Everybody else and what they send, in a form that can be compared. */
  get summary(): string[] {
    return [...this.roster.values()].map(summaryOf).toSorted();
  }

  /** Resolves once it knows just that; `expected` may change while it waits. */
  async settled(expected: () => string[]): Promise<void> {
    const isMet = () => JSON.stringify(this.summary) === JSON.stringify(expected());
    if (isMet()) return;
    await new Promise<void>((resolve) => this.#waiting.push({ isMet, resolve }));
  }

  #read(text: string): void {
    const frame = serverFrame.parse(JSON.parse(text));
    if ('event' in frame) return this.#notified(frame.event, frame.data);
    const joined = frame.ok ? joinAnswer.safeParse(frame.data) : null;
    if (!joined?.success) return;
    this.roster.clear();
    for (const one of joined.data.participants) this.roster.set(one.participantId, one);
  }

  #notified(event: string, data: unknown): void {
    const read = <E extends NotificationEvent>(name: E) =>
      event === name ? (NOTIFICATIONS[name].parse(data) as NotificationData<E>) : null;
    const come = read('peerJoined');
    if (come) this.roster.set(come.participantId, come);
    const gone = read('peerLeft');
    if (gone) this.roster.delete(gone.participantId);
    const opened = read('producerOpened');
    if (opened) this.#setProducer(opened.participantId, opened.producerId, opened.paused);
    for (const [name, paused] of [['producerPaused', true] as const, ['producerResumed', false] as const]) {
      const changed = read(name);
      if (changed) this.#setProducer(changed.participantId, changed.producerId, paused);
    }
    const closed = read('producerClosed');
    if (closed) this.#setProducer(closed.participantId, closed.producerId, null);
    const muted = read('muteChanged');
    const known = muted && this.roster.get(muted.participantId);
    if (known) this.roster.set(known.participantId, { ...known, muted: muted.muted });
  }

  #setProducer(participantId: string, producerId: string, paused: boolean | null): void {
    const known = this.roster.get(participantId);
    if (!known) return;
    const others = known.producers.filter((one) => one.producerId !== producerId);
    const producers = paused === null ? others : [...others, { producerId, paused }];
    this.roster.set(participantId, { ...known, producers });
  }
}

export const summaryOf = ({ participantId, muted, producers }: ParticipantInfo): string =>
  `${participantId} ${muted} ${producers
    .map(({ producerId, paused }) => `${producerId}:${paused}`)
    .toSorted()
    .join()}`;
