import { maySpeak } from '#schema/live-role.ts';
import { isWorthReconnecting, NORMAL_CLOSURE, type RequestAnswer } from '#schema/signalling.ts';
import { MediaLink, type RemoteTrack } from './media-link.client.ts';
import { inTime, retryDelayMs } from './retry.client.ts';
import { Roster, type LiveSelf, type RosterChanges, type RosterEntry } from './roster.client.ts';
import {
  isRefused,
  messageOf,
  SignallingSocket,
  SocketClosedError,
  type NotificationHandlers,
} from './signalling.client.ts';

/** What a client needs for one connection; its token is good for a minute. */
export interface LiveGrant {
  readonly mediaUrl: string;
  readonly token: string;
  readonly iceServers: readonly RTCIceServer[];
}

/** Thrown by `getGrant` where another try would fail too, for example because the room has ended. */
export class FinalRefusal extends Error {}

export interface LiveRoomOptions {
  /** Asked before every connection. May reject; then it is asked again after a while (RetryLater: after that one), unless it rejects with FinalRefusal. */
  readonly getGrant: () => Promise<LiveGrant>;
  readonly onChange: (state: LiveRoomState) => void;
  readonly onTrack: (track: RemoteTrack) => void;
  readonly onTrackEnded: (consumerId: string) => void;
}

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

type Welcome = RequestAnswer<'authenticate'>;

/**
 * One visitor in one live room: connects, connects again after a loss, joins again where the server says so, restarts ICE when the network changes, and
 * keeps the microphone as its owner left it through all of that.
 */
export class LiveRoomClient {
  readonly #options: LiveRoomOptions;
  readonly #roster = new Roster();
  #state: Omit<LiveRoomState, 'others'> = {
    connection: 'connecting',
    closeCode: null,
    problem: null,
    self: null,
    microphone: 'off',
    music: false,
    dominant: null,
    listenerCount: null,
  };
  #socket: SignallingSocket | null = null;
  #grant: LiveGrant | null = null;
  #welcome: Welcome | null = null;
  #link: MediaLink | null = null;
  #track: MediaStreamTrack | null = null;
  /** Since when there is no connection; null while there is one. */
  #lostAtMs: number | null = null;
  #stopped = false;

  constructor(options: LiveRoomOptions) {
    this.#options = options;
    addEventListener('online', this.#restartIce);
  }

  get state(): LiveRoomState {
    return { ...this.#state, others: this.#roster.entries };
  }

  /** Connects, and stays connected until `leave` or until the server has a reason against it. */
  async connect(): Promise<void> {
    if (this.#stopped) return;
    try {
      const grant = await inTime(this.#options.getGrant(), this.#lostForMs);
      if (!this.#stopped) await this.#open(grant);
    } catch (error) {
      this.#failed(error);
    }
  }

  async #open(grant: LiveGrant): Promise<void> {
    try {
      this.#grant = grant;
      const socket = new SignallingSocket(grant.mediaUrl, this.#handlers(), (code) =>
        this.#lost(socket, code),
      );
      this.#socket?.retire();
      this.#socket = socket;
      this.#welcome = await socket.request('authenticate', { token: grant.token });
      this.#welcomed(this.#welcome);
      await this.#join(socket, this.#welcome.routerRtpCapabilities);
      this.#lostAtMs = null;
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Sends `track` until it is closed, also over new connections. The track stays the caller's. Rejects where the server refuses it. */
  async openMicrophone(track: MediaStreamTrack): Promise<void> {
    this.#track = track;
    if (this.#link) await this.#send(this.#link, track);
  }

  /** Nothing is sent any more, until it is opened again. */
  async closeMicrophone(): Promise<void> {
    this.#track = null;
    this.#change({ microphone: 'off' });
    await this.#link?.setPaused(true);
  }

  async leave(): Promise<void> {
    this.#stopped = true;
    removeEventListener('online', this.#restartIce);
    // The server answers and closes; where it cannot be reached it finds out by itself.
    await this.#socket?.request('leave', {}).catch(() => undefined);
    this.#end(NORMAL_CLOSURE, null);
  }

  async #join(
    socket: SignallingSocket,
    routerRtpCapabilities: Welcome['routerRtpCapabilities'],
  ): Promise<void> {
    const { onTrack, onTrackEnded } = this.#options;
    const { opus } = this.#requireWelcome();
    const link = await MediaLink.create(
      { socket, opus, onTrack, onTrackEnded, iceServers: this.#grant?.iceServers ?? [] },
      routerRtpCapabilities,
    );
    const joined = await socket.request('join', { rtpCapabilities: link.rtpCapabilities });
    const { participants, listenerCount } = joined;
    // Where the room has moved, what it sent was heard until now.
    this.#link?.close();
    this.#link = link;
    this.#roster.reset(participants);
    const now = { music: opus.stereo, dominant: null, listenerCount };
    this.#change({ connection: 'connected', problem: null, ...now });
    const heard = participants.flatMap(({ producers }) =>
      producers.map(({ producerId }) => link.consume(producerId)),
    );
    await Promise.all([...heard, this.#sendAgain(link)]);
  }

  // Whoever lost their turn to others meanwhile goes on listening.
  async #sendAgain(link: MediaLink): Promise<void> {
    const sent = this.#track && this.#send(link, this.#track);
    await sent?.catch((error: unknown) => {
      if (!isRefused(error, 'SPEAKER_LIMIT')) throw error;
      this.#track = null;
      this.#change({ microphone: 'off', problem: error.message });
    });
  }

  async #send(link: MediaLink, track: MediaStreamTrack): Promise<void> {
    await link.send(track);
    // Closed while the server was being asked.
    if (this.#track === null) await link.setPaused(true);
    else this.#change({ microphone: 'on' });
  }

  // What was ordered while there was no connection, the grant says.
  #welcomed({ participantId, userId, role, muted }: Welcome): void {
    this.#setSelf({ participantId, userId, role, muted, quality: this.#state.self?.quality ?? null });
  }

  #requireWelcome(): Welcome {
    if (!this.#welcome) throw new Error('The media server has not let us in yet.');
    return this.#welcome;
  }

  #handlers(): NotificationHandlers {
    return {
      ...this.#roster.handlers(() => this.#change({})),
      producerOpened: ({ participantId, producerId, paused }) => {
        this.#roster.setProducer(participantId, producerId, paused);
        this.#change({});
        this.#link?.consume(producerId).catch((error: unknown) => this.#report(error));
      },
      producerClosed: ({ participantId, producerId }) => this.#producerClosed(participantId, producerId),
      consumerClosed: ({ consumerId }) => this.#link?.dropConsumer(consumerId),
      roleChanged: ({ participantId, role }) => this.#changed(participantId, { role }),
      muteChanged: ({ participantId, muted }) => this.#changed(participantId, { muted }),
      connectionChanged: ({ participantId, quality }) => this.#changed(participantId, { quality }),
      listenerCount: ({ count }) => this.#change({ listenerCount: count }),
      activeSpeaker: ({ participantId }) => this.#change({ dominant: participantId }),
      rejoin: ({ routerRtpCapabilities }) => this.#rejoin(routerRtpCapabilities),
      move: () => void this.#move(),
      roomClosed: () => undefined,
    };
  }

  #producerClosed(participantId: string, producerId: string): void {
    this.#roster.dropProducer(participantId, producerId);
    if (producerId === this.#link?.producer?.id) this.#link.dropProducer();
    this.#change({});
  }

  #changed(participantId: string, changes: RosterChanges): void {
    this.#roster.change(participantId, changes);
    const { self } = this.#state;
    if (self?.participantId !== participantId) return this.#change({});
    this.#setSelf({ ...self, ...changes });
  }

  #setSelf(self: LiveSelf): void {
    const isSilenced = self.muted || !maySpeak(self.role);
    // A mute that ends does not open the microphone again: its owner does.
    if (isSilenced) this.#track = null;
    this.#change({ self, ...(isSilenced ? { microphone: 'off' } : {}) });
  }

  #rejoin(routerRtpCapabilities: Welcome['routerRtpCapabilities']): void {
    const socket = this.#socket;
    if (!socket) return;
    this.#change({ connection: 'reconnecting' });
    this.#join(socket, routerRtpCapabilities).catch((error: unknown) => {
      // The worker that should take over died as well: there will be another `rejoin`.
      if (isRefused(error, 'MEDIA_UNAVAILABLE')) return this.#report(error);
      if (socket === this.#socket) this.#failed(error);
    });
  }

  // The server is about to stop: what it sends is heard until another one has taken over.
  async #move(): Promise<void> {
    const former = this.#socket;
    // Where no other server is to be had, this one closes the socket in the end, and then it is tried again.
    const grant = await this.#options.getGrant().catch(() => null);
    if (!grant || this.#stopped || this.#socket !== former) return;
    await this.#open(grant);
    former?.close();
  }

  readonly #restartIce = (): void => {
    this.#link?.restartIce().catch((error: unknown) => this.#report(error));
  };

  #lost(socket: SignallingSocket, closeCode: number): void {
    if (socket !== this.#socket || this.#stopped) return;
    if (isWorthReconnecting(closeCode)) this.#retry(new Error('The connection to the live room was lost.'));
    else this.#end(closeCode, null);
  }

  // A socket that was closed reports that itself, with its code; all else, while connecting, is worth another try.
  #failed(error: unknown): void {
    if (this.#stopped || error instanceof SocketClosedError) return;
    if (error instanceof FinalRefusal) return this.#end(null, error.message);
    const socket = this.#socket;
    this.#retry(error);
    socket?.close();
  }

  #report(error: unknown): void {
    if (!(error instanceof SocketClosedError)) this.#change({ problem: messageOf(error) });
  }

  #retry(error: unknown): void {
    this.#drop();
    this.#change({ connection: 'reconnecting', problem: messageOf(error), self: null });
    this.#lostAtMs ??= Date.now();
    setTimeout(() => void this.connect(), retryDelayMs(this.#lostForMs, error));
  }

  get #lostForMs(): number {
    return this.#lostAtMs === null ? 0 : Date.now() - this.#lostAtMs;
  }

  #end(closeCode: number | null, problem: string | null): void {
    this.#stopped = true;
    this.#drop();
    this.#roster.reset([]);
    this.#change({ connection: 'closed', closeCode, problem, microphone: 'off' });
  }

  #drop(): void {
    this.#link?.close();
    this.#link = null;
    this.#socket = null;
    this.#welcome = null;
  }

  #change(changes: Partial<Omit<LiveRoomState, 'others'>>): void {
    this.#state = { ...this.#state, ...changes };
    this.#options.onChange(this.state);
  }
}
