import { maySpeak } from '#schema/live-role.ts';
import type { ParticipantInfo } from '#schema/signalling.ts';
import { Roster, type LiveSelf, type RosterChanges, type RosterEntry } from './roster.client.ts';
import type { NotificationHandlers } from './signalling.client.ts';

export interface LiveRoomState {
  readonly connection: 'connecting' | 'connected' | 'reconnecting' | 'closed';
  /** Close code of the media socket where `connection` is `closed` by it. */
  readonly closeCode: number | null;
  /** What went wrong last, in words for a person. */
  readonly problem: string | null;
  readonly self: LiveSelf | null;
  readonly microphone: 'off' | 'on';
  /** Whether the room is for music: a microphone should then be opened without speech processing. */
  readonly music: boolean;
  readonly dominant: string | null;
  /** Everybody who may speak, and listeners up to a number that the server sets. */
  readonly others: readonly RosterEntry[];
  /** How many people listen, oneself included, where `others` has not all of them; else null. */
  readonly listenerCount: number | null;
}

type OwnState = Omit<LiveRoomState, 'others'>;

/** What changes nothing but what is known of the room. */
type StateHandlers = Omit<
  NotificationHandlers,
  'producerOpened' | 'producerClosed' | 'consumerClosed' | 'rejoin' | 'move' | 'roomClosed'
>;

/** What a page shows of the room, as one value. */
export class LiveState {
  readonly #onChange: (state: LiveRoomState) => void;
  readonly #onSilenced: () => void;
  readonly #roster = new Roster();
  #own: OwnState = {
    connection: 'connecting',
    closeCode: null,
    problem: null,
    self: null,
    microphone: 'off',
    music: false,
    dominant: null,
    listenerCount: null,
  };

  /** `onSilenced` is called where one may not speak, or not any more. */
  constructor(onChange: (state: LiveRoomState) => void, onSilenced: () => void) {
    this.#onChange = onChange;
    this.#onSilenced = onSilenced;
  }

  get value(): LiveRoomState {
    return { ...this.#own, others: this.#roster.entries };
  }

  get self(): LiveSelf | null {
    return this.#own.self;
  }

  /** Whose audio is forwarded now. */
  get senders(): readonly string[] {
    return this.#roster.senders;
  }

  change(changes: Partial<OwnState>): void {
    this.#own = { ...this.#own, ...changes };
    this.#onChange(this.value);
  }

  /** Who is in the room, besides oneself; `changes` come with it. */
  reset(participants: readonly ParticipantInfo[], changes: Partial<OwnState>): void {
    this.#roster.reset(participants);
    this.change(changes);
  }

  setSelf(self: LiveSelf): void {
    const isSilenced = self.muted || !maySpeak(self.role);
    // A mute that ends does not open the microphone again: its owner does.
    if (isSilenced) this.#onSilenced();
    this.change({ self, ...(isSilenced ? { microphone: 'off' } : {}) });
  }

  setProducer(participantId: string, producerId: string, paused: boolean): void {
    this.#roster.setProducer(participantId, producerId, paused);
    this.change({});
  }

  dropProducer(participantId: string, producerId: string): void {
    this.#roster.dropProducer(participantId, producerId);
    this.change({});
  }

  get handlers(): StateHandlers {
    return {
      ...this.#roster.handlers(() => this.change({})),
      roleChanged: ({ participantId, role }) => this.#changed(participantId, { role }),
      muteChanged: ({ participantId, muted }) => this.#changed(participantId, { muted }),
      connectionChanged: ({ participantId, quality }) => this.#changed(participantId, { quality }),
      listenerCount: ({ count }) => this.change({ listenerCount: count }),
      activeSpeaker: ({ participantId }) => this.change({ dominant: participantId }),
    };
  }

  #changed(participantId: string, changes: RosterChanges): void {
    this.#roster.change(participantId, changes);
    const { self } = this;
    if (self?.participantId !== participantId) return this.change({});
    this.setSelf({ ...self, ...changes });
  }
}
