import { maySpeak } from '#schema/live-role.ts';
import { LiveRoomClient } from '../../../clients/live/browser/live-room.client.ts';
import type { LiveRoomState } from '../../../clients/live/browser/live-state.client.ts';
import { openMicrophone } from './microphones.client.ts';
import type { PlatformApi } from './platform-api.client.ts';
import { Speakers } from './speakers.client.ts';
import type { Visit } from './visit.client.ts';
import { messageOf, microphoneWords } from './words.client.ts';

export interface CallOptions {
  readonly api: PlatformApi;
  readonly visit: Visit;
  readonly onState: (state: LiveRoomState) => void;
  /** Root mean squares by participant, ten times a second. */
  readonly onLevels: (levels: ReadonlyMap<string, number>) => void;
  /** The browser wants a click before it plays; then `resumeSound` is to be called. */
  readonly onBlocked: () => void;
  /** The platform gave no grant. */
  readonly onRefused: (error: unknown) => void;
  /** Words for a person, or null where all is well again. */
  readonly onProblem: (words: string | null) => void;
}

/** The visitor's part in the room's audio: what is heard, and one microphone. */
export class Call {
  readonly #options: CallOptions;
  #client: LiveRoomClient | null = null;
  #speakers: Speakers | null = null;
  #track: MediaStreamTrack | null = null;
  #opensAtFirst = false;
  #wasOn = false;

  constructor(options: CallOptions) {
    this.#options = options;
  }

  get state(): LiveRoomState | null {
    return this.#client?.state ?? null;
  }

  /** `microphone` on: whoever comes to speak is heard from the start. Whoever is made a speaker later decides that alone. */
  join(microphone: 'on' | 'off'): void {
    const { onLevels, onBlocked } = this.#options;
    this.#opensAtFirst = microphone === 'on';
    this.#speakers ??= new Speakers(onLevels, onBlocked);
    const speakers = this.#speakers;
    this.#client = new LiveRoomClient({
      getGrant: () => this.#getGrant(),
      onChange: (state) => this.#changed(state),
      onTrack: (track) => speakers.play(track),
      onTrackEnded: (consumerId) => speakers.stop(consumerId),
    });
    void this.#client.connect();
  }

  async leave(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    this.#stopMicrophone();
    this.#options.visit.end();
    await client?.leave();
  }

  async toggleMicrophone(): Promise<void> {
    if (this.state?.microphone === 'off') return this.#openMicrophone();
    await this.#closeMicrophone();
  }

  /** With the microphone that is chosen by now, if one is on. */
  async changeMicrophone(): Promise<void> {
    if (this.state?.microphone === 'on') await this.#openMicrophone();
  }

  resumeSound(): Promise<void> | undefined {
    return this.#speakers?.resume();
  }

  async #getGrant() {
    const { api, visit, onRefused } = this.#options;
    try {
      const grant = await api.join(visit.resumeKey);
      visit.joined(grant.resumeKey);
      return grant;
    } catch (error) {
      onRefused(error);
      throw error;
    }
  }

  #changed(state: LiveRoomState): void {
    this.#options.onState(state);
    // Also where a moderator or the end of the room did it: the browser shows that the microphone is free.
    if (state.microphone === 'off' && this.#wasOn) this.#stopMicrophone();
    this.#wasOn = state.microphone === 'on';
    const { self, connection } = state;
    // The server, or the platform, had a reason against it: whoever comes back does so by a decision of their own.
    if (connection === 'closed') this.#options.visit.end();
    if (connection !== 'connected' || !self || !this.#opensAtFirst) return;
    this.#opensAtFirst = false;
    if (maySpeak(self.role) && !self.muted) void this.#openMicrophone();
  }

  async #openMicrophone(): Promise<void> {
    const client = this.#client;
    const { onProblem } = this.#options;
    if (!client) return;
    try {
      const track = await openMicrophone(client.state.music);
      // The visitor has left while the browser asked.
      if (this.#client !== client) return track.stop();
      this.#stopMicrophone();
      this.#track = track;
      track.addEventListener('ended', () => this.#unplugged());
      this.#speakers?.measureOwn(client.state.self?.participantId ?? '', track);
      await client.openMicrophone(track);
      onProblem(null);
    } catch (error) {
      onProblem(microphoneWords(error));
    }
  }

  async #closeMicrophone(): Promise<void> {
    await this.#client
      ?.closeMicrophone()
      .catch((error: unknown) => this.#options.onProblem(messageOf(error)));
  }

  // Only where the browser ends the track: stopping it here is no event.
  #unplugged(): void {
    this.#options.onProblem('Your microphone is gone. Plug it in again, or choose another one.');
    void this.#closeMicrophone();
  }

  #stopMicrophone(): void {
    this.#track?.stop();
    this.#track = null;
    this.#speakers?.measureOwn('', null);
  }
}
