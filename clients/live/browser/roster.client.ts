import type { ConnectionQuality } from '#schema/connection-quality.ts';
import type { ParticipantInfo } from '#schema/signalling.ts';
import type { NotificationHandlers } from './signalling.client.ts';

/** Somebody in the room, as a page shows them. */
export interface RosterEntry {
  readonly participantId: string;
  readonly userId: string;
  readonly role: ParticipantInfo['role'];
  /** Muted by a moderator. */
  readonly muted: boolean;
  /** Of their connection; null until it was measured. */
  readonly quality: ConnectionQuality | null;
  /** Whether any audio of theirs is forwarded now. */
  readonly sending: boolean;
  /** Level that the server measures, 0 to 1. */
  readonly level: number;
}

export type LiveSelf = Pick<RosterEntry, 'participantId' | 'userId' | 'role' | 'muted' | 'quality'>;

/** What can be another about somebody who stays. */
export type RosterChanges = Partial<Pick<ParticipantInfo, 'role' | 'muted' | 'quality'>>;

/** What changes nothing but this. */
type RosterHandlers = Pick<
  NotificationHandlers,
  'peerJoined' | 'peerLeft' | 'producerPaused' | 'producerResumed' | 'audioLevels'
>;

/** Everybody else in the room, by participant. Values are replaced, never changed. */
export class Roster {
  #participants = new Map<string, ParticipantInfo>();
  #levels = new Map<string, number>();

  reset(participants: readonly ParticipantInfo[]): void {
    this.#participants = new Map(participants.map((one) => [one.participantId, one]));
    this.#levels = new Map();
  }

  get entries(): RosterEntry[] {
    return [...this.#participants.values()].map(({ producers, ...one }) => ({
      ...one,
      quality: one.quality ?? null,
      sending: producers.some(({ paused }) => !paused),
      level: this.#levels.get(one.participantId) ?? 0,
    }));
  }

  /** Whose audio is forwarded now. */
  get senders(): string[] {
    return this.entries.flatMap(({ participantId, sending }) => (sending ? [participantId] : []));
  }

  /** `onChange` is called after each of them. */
  handlers(onChange: () => void): RosterHandlers {
    const then = (act: () => void) => {
      act();
      onChange();
    };
    return {
      peerJoined: (participant) => then(() => this.join(participant)),
      peerLeft: ({ participantId }) => then(() => this.leave(participantId)),
      producerPaused: ({ participantId, producerId }) =>
        then(() => this.setProducer(participantId, producerId, true)),
      producerResumed: ({ participantId, producerId }) =>
        then(() => this.setProducer(participantId, producerId, false)),
      audioLevels: ({ levels }) => then(() => this.setLevels(levels)),
    };
  }

  join(participant: ParticipantInfo): void {
    this.#participants.set(participant.participantId, participant);
  }

  leave(participantId: string): void {
    this.#participants.delete(participantId);
  }

  change(participantId: string, changes: RosterChanges): void {
    const known = this.#participants.get(participantId);
    if (known) this.join({ ...known, ...changes });
  }

  setProducer(participantId: string, producerId: string, paused: boolean): void {
    const known = this.#participants.get(participantId);
    if (!known) return;
    const others = known.producers.filter((one) => one.producerId !== producerId);
    this.join({ ...known, producers: [...others, { producerId, paused }] });
  }

  dropProducer(participantId: string, producerId: string): void {
    const known = this.#participants.get(participantId);
    if (!known) return;
    this.join({ ...known, producers: known.producers.filter((one) => one.producerId !== producerId) });
  }

  setLevels(levels: readonly { participantId: string; level: number }[]): void {
    this.#levels = new Map(levels.map(({ participantId, level }) => [participantId, level]));
  }
}
