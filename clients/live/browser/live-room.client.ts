import type { RtpCapabilities } from '#schema/rtp.ts';
import { isWorthReconnecting, NORMAL_CLOSURE } from '#schema/signalling.ts';
import { admit, FinalRefusal, type Admission, type LiveGrant, type Welcome } from './admission.client.ts';
import { LiveState, type LiveRoomState } from './live-state.client.ts';
import { LivenessWatch } from './liveness-watch.client.ts';
import { MediaLink, type RemoteTrack } from './media-link.client.ts';
import { retryDelayMs } from './retry.client.ts';
import {
  isRefused,
  messageOf,
  SocketClosedError,
  type NotificationHandlers,
  type SignallingSocket,
} from './signalling.client.ts';

export interface LiveRoomOptions {
  /**
   * Asked before every connection. May reject; then it is asked again after a while (RetryLater: after that one), unless it rejects with FinalRefusal.
   * May be asked again before it has answered, where the network swallows requests; the first answer counts.
   */
  readonly getGrant: () => Promise<LiveGrant>;
  readonly onChange: (state: LiveRoomState) => void;
  readonly onTrack: (track: RemoteTrack) => void;
  readonly onTrackEnded: (consumerId: string) => void;
}

/** How a connection is made where it is neither the first one nor one after a loss that the browser noticed. */
interface Beginning {
  readonly grant?: LiveGrant;
  /** It is given up when this socket, over which nothing comes, is heard again. */
  readonly unless?: SignallingSocket;
}

/**
 * One visitor in one live room: connects, connects again after a loss, joins again where the server says so, restarts ICE when the network changes or
 * dies without a word, and keeps the microphone as its owner left it through all of that.
 */
export class LiveRoomClient {
  readonly #options: LiveRoomOptions;
  readonly #state: LiveState;
  #admission: Admission | null = null;
  #link: MediaLink | null = null;
  #watch: LivenessWatch | null = null;
  #track: MediaStreamTrack | null = null;
  /** Since when there is no connection, and whether it was lost without a word; null while there is one. */
  #loss: { readonly atMs: number; readonly isSilent: boolean } | null = null;
  #isConnecting = false;
  #stopped = false;

  constructor(options: LiveRoomOptions) {
    this.#options = options;
    this.#state = new LiveState(options.onChange, () => (this.#track = null));
    addEventListener('online', this.#restartIce);
  }

  get state(): LiveRoomState {
    return this.#state.value;
  }

  /** Connects, and stays connected until `leave` or until the server has a reason against it. */
  connect(): Promise<void> {
    return this.#connect({});
  }

  async #connect(beginning: Beginning): Promise<void> {
    if (this.#stopped || this.#isConnecting) return;
    this.#isConnecting = true;
    const admission = await this.#admit(beginning).finally(() => (this.#isConnecting = false));
    if (admission) await this.#enter(admission);
  }

  /** Null where nothing came of it: then it is tried again, or it is over. */
  async #admit({ grant, unless }: Beginning): Promise<Admission | null> {
    const ended = new AbortController();
    void unless?.nextFrame.then(() => ended.abort());
    try {
      return await admit({
        getGrant: grant ? async () => grant : this.#options.getGrant,
        handlers: this.#handlers(),
        onClosed: (socket, code) => this.#lost(socket, code),
        // From now on nothing counts any more that comes over the former one, its end included.
        onShown: () => this.#socket?.retire(),
        lostForMs: this.#lostForMs,
        isSilent: this.#loss?.isSilent === true,
        signal: ended.signal,
      });
    } catch (error) {
      if (!ended.signal.aborted) this.#notAdmitted(error);
      else {
        this.#loss = null;
        this.#state.change({ connection: 'connected' });
      }
      return null;
    }
  }

  async #enter(admission: Admission): Promise<void> {
    const { socket, welcome } = admission;
    if (this.#stopped) return socket.close();
    const former = this.#socket;
    this.#admission = admission;
    this.#watchOver(admission);
    try {
      this.#welcomed(welcome);
      await this.#join(admission, welcome.routerRtpCapabilities);
      this.#loss = null;
    } catch (error) {
      this.#failed(error);
    } finally {
      former?.close();
    }
  }

  get #socket(): SignallingSocket | null {
    return this.#admission?.socket ?? null;
  }

  #watchOver({ socket, welcome }: Admission): void {
    this.#watch?.stop();
    this.#watch = new LivenessWatch({
      socket,
      selfId: welcome.participantId,
      senders: () => this.#state.senders,
      onSocketSilent: () => void this.#replace(socket),
      onPathDead: () => this.#restartIce(),
    });
  }

  /** Sends `track` until it is closed, also over new connections. The track stays the caller's. Rejects where the server refuses it. */
  async openMicrophone(track: MediaStreamTrack): Promise<void> {
    this.#track = track;
    if (this.#link) await this.#send(this.#link, track);
  }

  /** Nothing is sent any more, until it is opened again. */
  async closeMicrophone(): Promise<void> {
    this.#track = null;
    this.#state.change({ microphone: 'off' });
    await this.#link?.setPaused(true);
  }

  async leave(): Promise<void> {
    this.#stopped = true;
    removeEventListener('online', this.#restartIce);
    // The server answers and closes; where it cannot be reached it finds out by itself.
    await this.#socket?.request('leave', {}).catch(() => undefined);
    this.#end(NORMAL_CLOSURE, null);
  }

  async #join({ socket, grant, welcome }: Admission, routerRtpCapabilities: RtpCapabilities): Promise<void> {
    const { onTrack, onTrackEnded } = this.#options;
    const { opus } = welcome;
    const link = await MediaLink.create(
      { socket, opus, onTrack, onTrackEnded, iceServers: grant.iceServers },
      routerRtpCapabilities,
    );
    const joined = await socket.request('join', { rtpCapabilities: link.rtpCapabilities });
    const { participants, listenerCount, activeSpeaker: dominant } = joined;
    // Where the room has moved, what it sent was heard until now.
    this.#link?.close();
    this.#link = link;
    this.#watch?.follow(link);
    const now = { music: opus.stereo, dominant, listenerCount };
    this.#state.reset(participants, { connection: 'connected', problem: null, ...now });
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
      this.#state.change({ microphone: 'off', problem: error.message });
    });
  }

  async #send(link: MediaLink, track: MediaStreamTrack): Promise<void> {
    await link.send(track);
    // Closed while the server was being asked.
    if (this.#track === null) await link.setPaused(true);
    else this.#state.change({ microphone: 'on' });
  }

  // What was ordered while there was no connection, the grant says.
  #welcomed({ participantId, userId, role, muted }: Welcome): void {
    const quality = this.#state.self?.quality ?? null;
    this.#state.setSelf({ participantId, userId, role, muted, quality });
  }

  #handlers(): NotificationHandlers {
    const { handlers } = this.#state;
    return {
      ...handlers,
      audioLevels: (data) => {
        this.#watch?.onLevels(data.levels);
        handlers.audioLevels(data);
      },
      producerOpened: ({ participantId, producerId, paused }) => {
        this.#state.setProducer(participantId, producerId, paused);
        this.#link?.consume(producerId).catch((error: unknown) => this.#report(error));
      },
      producerClosed: ({ participantId, producerId }) => {
        if (producerId === this.#link?.producer?.id) this.#link.dropProducer();
        this.#state.dropProducer(participantId, producerId);
      },
      consumerClosed: ({ consumerId }) => this.#link?.dropConsumer(consumerId),
      rejoin: ({ routerRtpCapabilities }) => this.#rejoin(routerRtpCapabilities),
      move: () => void this.#move(),
      roomClosed: () => undefined,
    };
  }

  #rejoin(routerRtpCapabilities: RtpCapabilities): void {
    const admission = this.#admission;
    if (!admission) return;
    this.#state.change({ connection: 'reconnecting' });
    this.#join(admission, routerRtpCapabilities).catch((error: unknown) => {
      // The worker that should take over died as well: there will be another `rejoin`.
      if (isRefused(error, 'MEDIA_UNAVAILABLE')) return this.#report(error);
      if (admission === this.#admission) this.#failed(error);
    });
  }

  // The server is about to stop: what it sends is heard until another one has taken over.
  async #move(): Promise<void> {
    const former = this.#socket;
    // Where no other server is to be had, this one closes the socket in the end, and then it is tried again.
    const grant = await this.#options.getGrant().catch(() => null);
    if (grant && this.#socket === former) await this.#connect({ grant });
  }

  readonly #restartIce = (): void => {
    this.#link?.restartIce().catch((error: unknown) => this.#report(error));
    this.#watch?.ask();
  };

  // Over a socket that died without a word the browser would wait for minutes. Another one is opened beside it, and whichever is heard first stays.
  async #replace(socket: SignallingSocket): Promise<void> {
    if (this.#isConnecting) return;
    this.#loss = { atMs: this.#loss?.atMs ?? Date.now(), isSilent: true };
    this.#state.change({ connection: 'reconnecting' });
    await this.#connect({ unless: socket });
  }

  #lost(socket: SignallingSocket, closeCode: number): void {
    if (socket !== this.#socket || this.#stopped) return;
    if (!isWorthReconnecting(closeCode)) return this.#end(closeCode, null);
    // There will be another one in a moment.
    if (!this.#isConnecting) this.#retry(new Error('The connection to the live room was lost.'));
  }

  #notAdmitted(error: unknown): void {
    if (this.#stopped) return;
    if (error instanceof FinalRefusal) this.#end(null, error.message);
    else if (error instanceof SocketClosedError && !isWorthReconnecting(error.closeCode))
      this.#end(error.closeCode, null);
    else this.#retry(error);
  }

  // A socket that was closed reports that itself, with its code; all else, while joining, is worth another try.
  #failed(error: unknown): void {
    if (!this.#stopped && !(error instanceof SocketClosedError)) this.#retry(error);
  }

  #report(error: unknown): void {
    if (!(error instanceof SocketClosedError)) this.#state.change({ problem: messageOf(error) });
  }

  #retry(error: unknown): void {
    this.#drop();
    this.#state.change({ connection: 'reconnecting', problem: messageOf(error), self: null });
    this.#loss ??= { atMs: Date.now(), isSilent: false };
    setTimeout(() => void this.connect(), retryDelayMs(this.#lostForMs, error));
  }

  get #lostForMs(): number {
    return this.#loss ? Date.now() - this.#loss.atMs : 0;
  }

  #end(closeCode: number | null, problem: string | null): void {
    this.#stopped = true;
    this.#drop();
    this.#state.reset([], { connection: 'closed', closeCode, problem, microphone: 'off' });
  }

  #drop(): void {
    this.#watch?.stop();
    this.#watch = null;
    this.#link?.close();
    this.#link = null;
    this.#socket?.retire();
    this.#socket?.close();
    this.#admission = null;
  }
}
