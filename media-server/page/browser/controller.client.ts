import { CLOSE_CODES } from '#schema/signalling.ts';
import type { LiveRoomState } from '../../../clients/live/browser/live-state.client.ts';
import { createRealtimeClient, type RealtimeClient } from '../../../clients/realtime/realtime-client.ts';
import { BannedPeople } from './banned-people.client.ts';
import { Call } from './call.client.ts';
import { ChatPanel } from './chat-panel.client.ts';
import { confirmed } from './dialogs.client.ts';
import { keepFocus, requireButton, requireElement } from './elements.client.ts';
import { followLog } from './follow-log.client.ts';
import { listMicrophones, watchMicrophones } from './microphones.client.ts';
import { MicrophoneCheck } from './microphone-check.client.ts';
import { manage, optionsFor, type Act } from './moderation.client.ts';
import { NameBook } from './name-book.client.ts';
import { noticesBetween, type Moment } from './notices.client.ts';
import { Overflow } from './overflow.client.ts';
import { peopleOf, unlistedListeners, type Person } from './people.client.ts';
import { PeopleFinder } from './people-finder.client.ts';
import { showLevels, showPeople } from './people-view.client.ts';
import { PlatformApi, RoomFull, type RoomOverview } from './platform-api.client.ts';
import { Reactions } from './reactions.client.ts';
import { showConnection, showNotice, showOverview, showProblem, showStep } from './room-view.client.ts';
import { Session, SignInNeeded } from './session.client.ts';
import { STAGE_EVENTS, stageAfter, stageOf, type Stage } from './stage.client.ts';
import { showStage } from './stage-view.client.ts';
import { Visit } from './visit.client.ts';
import { messageOf } from './words.client.ts';

const play = requireButton('play');
const onClick = (id: string, act: () => unknown) =>
  requireButton(id).addEventListener('click', () => void act());

/** The page of one live room: brings together what the media server and the graph tell, and what the visitor does. */
export class LivePageController {
  readonly #session: Session;
  readonly #api: PlatformApi;
  readonly #visit: Visit;
  readonly #realtime: RealtimeClient;
  readonly #names: NameBook;
  readonly #chat: ChatPanel;
  readonly #overflow: Overflow;
  readonly #finder: PeopleFinder;
  readonly #banned: BannedPeople;
  readonly #check = new MicrophoneCheck();
  readonly #reactions = new Reactions((reaction) => this.#act('reactInLiveRoom', { reaction }));
  readonly #call: Call;
  readonly #liveRoomId: string;
  #overview: RoomOverview | null = null;
  #stage: Stage | null = null;
  #isFollowing = false;
  #chatOf: string | null = null;
  #before: Moment = { self: null, stage: null };

  constructor(graphqlPath: string, liveRoomId: string) {
    const session = new Session(graphqlPath);
    this.#liveRoomId = liveRoomId;
    this.#session = session;
    this.#api = new PlatformApi(session, liveRoomId);
    this.#visit = new Visit(liveRoomId);
    this.#names = new NameBook(this.#api);
    this.#overflow = new Overflow(() => this.#api.broadcastUrl());
    this.#finder = new PeopleFinder(this.#api, (found) => this.#manage(found.participantId, found));
    this.#banned = new BannedPeople(this.#api);
    this.#chat = new ChatPanel(session);
    const url = new URL(graphqlPath, location.href).href;
    this.#realtime = createRealtimeClient({ url, token: (reason) => session.token(reason) });
    this.#call = new Call({
      api: this.#api,
      visit: this.#visit,
      onState: (state) => this.#changed(state),
      onLevels: showLevels,
      onBlocked: () => (play.hidden = false),
      onRefused: (error) => this.#refused(error),
      onProblem: showProblem,
    });
  }

  async begin(): Promise<void> {
    this.#bind();
    const returning = this.#visit.resumable();
    if (!this.#session.signedIn) return this.#askToSignIn();
    this.#follow();
    if (returning) return this.#join(returning.microphone);
    if (new URLSearchParams(location.search).get('autojoin') === '1') return this.#join('on');
    showStep('lobby');
    if (navigator.mediaDevices) await listMicrophones();
  }

  #bind(): void {
    requireElement('sign-in', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#signIn();
    });
    for (const id of ['join', 'rejoin', 'retry']) onClick(id, () => this.#join('on'));
    onClick('start', () => this.#act('startLiveRoom', {}));
    onClick('leave', () => this.#leave());
    onClick('microphone', () => this.#call.toggleMicrophone());
    onClick('hand', () => this.#act(this.#self()?.asks ? 'lowerHand' : 'raiseHand', {}));
    onClick('accept', () => this.#act('answerInvitation', { accept: true }));
    onClick('decline', () => this.#act('answerInvitation', { accept: false }));
    onClick('mute-all', () => this.#act('muteAll', {}));
    onClick('record', () => this.#act(this.#stage?.recording ? 'stopRecording' : 'startRecording', {}));
    onClick('audience', () => {
      const audience = this.#stage?.audience === 'SIGNED_IN' ? 'ANYONE' : 'SIGNED_IN';
      return this.#act('setBroadcastAudience', { audience });
    });
    onClick('end', () => this.#endRoom());
    play.addEventListener('click', () => {
      play.hidden = true;
      void this.#call.resumeSound();
    });
    watchMicrophones(() => void (this.#check.isOn ? this.#check.start() : this.#call.changeMicrophone()));
    // The connection breaks with the page, and whoever is back within half a minute has never been away.
    addEventListener('pagehide', () => this.#visit.suspend(this.#call.state?.microphone ?? 'off'));
    // From the browser's cache a page comes back without its connections.
    addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
  }

  /** Keeps up with the room's log: before joining, for its start; within, for its stage. */
  #follow(): void {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    followLog<Stage>(this.#realtime, {
      load: async () => {
        const overview = await this.#loadOverview();
        return overview && stageOf(overview);
      },
      document: STAGE_EVENTS,
      variables: ({ cursor }) => ({ id: this.#liveRoomId, after: cursor }),
      after: stageAfter,
      onState: (stage) => {
        if (this.#overview) showOverview({ ...this.#overview, state: stage.state });
        this.#stage = stage;
        this.#draw();
      },
      onEnd: (problem) => {
        this.#isFollowing = false;
        if (problem !== null) showProblem(problem);
        else if (!this.#overview) showProblem('There is no such live room, or you may not see it.');
      },
    });
  }

  async #loadOverview(): Promise<RoomOverview | null> {
    this.#overview = await this.#api.overview();
    if (this.#overview) showOverview(this.#overview);
    this.#openChat();
    return this.#overview;
  }

  #askToSignIn(): void {
    showStep('sign-in');
    // What the room is can be told to everybody who may see it.
    this.#loadOverview().catch((error: unknown) => {
      if (!(error instanceof SignInNeeded)) showProblem(messageOf(error));
    });
  }

  async #signIn(): Promise<void> {
    const password = requireElement('password', HTMLInputElement);
    try {
      await this.#session.signIn(requireElement('email', HTMLInputElement).value, password.value);
      password.value = '';
      showProblem(null);
      const overview = await this.#loadOverview();
      this.#follow();
      if (overview?.state === 'LIVE') this.#join('on');
      else showStep('lobby');
    } catch (error) {
      showProblem(messageOf(error));
    }
  }

  #join(microphone: 'on' | 'off'): void {
    showProblem(null);
    this.#overflow.stop();
    this.#check.stop();
    this.#before = { self: null, stage: null };
    showStep('room');
    this.#call.join(microphone);
    this.#follow();
    this.#openChat();
    void this.#reactions.follow(this.#realtime, this.#liveRoomId);
  }

  async #leave(): Promise<void> {
    this.#closeAside();
    showStep('lobby');
    await this.#call.leave();
  }

  async #endRoom(): Promise<void> {
    const explanation = 'Everybody is disconnected, and the room cannot be opened again.';
    if (await confirmed('End this room for everybody?', explanation, 'End the room'))
      await this.#act('endLiveRoom', {});
  }

  /** No grant: where nothing can be done about it, the connection's state says so. */
  #refused(error: unknown): void {
    if (error instanceof SignInNeeded) void this.#signedOut();
    if (error instanceof RoomFull) this.#offerBroadcast(error.hlsUrl);
  }

  async #signedOut(): Promise<void> {
    await this.#leave();
    this.#askToSignIn();
  }

  #offerBroadcast(url: string | null): void {
    this.#closeAside();
    this.#visit.end();
    this.#overflow.offer(url);
    showStep('full');
  }

  #changed(state: LiveRoomState): void {
    if (state.closeCode === CLOSE_CODES.ROOM_FULL) {
      const offer = (url: string | null) => this.#offerBroadcast(url);
      this.#api.broadcastUrl().then(offer, () => offer(null));
    }
    if (state.connection === 'closed') this.#closeAside();
    this.#draw();
  }

  /** Draws who is here. Called several times a second, so what is the same as before must cost nothing. */
  #draw(): void {
    const { state } = this.#call;
    if (!state) return;
    keepFocus(() => this.#drawRoom(state), requireElement('title', HTMLHeadingElement));
    if (state.connection === 'connected') void this.#learnNames(state);
  }

  #drawRoom(state: LiveRoomState): void {
    showConnection(state);
    const people = peopleOf(state, this.#stage, this.#names.names);
    const self = people.find(({ isSelf }) => isSelf) ?? null;
    showPeople(
      people,
      unlistedListeners(state, people),
      (person) => optionsFor(self, person).length > 0,
      (participantId) => void this.#manage(participantId),
    );
    showStage(this.#stage, self, this.#names.names, {
      letSpeak: (participantId) => void this.#act('setLiveRole', { participantId, role: 'SPEAKER' }),
      lower: (participantId) => void this.#act('lowerHand', { participantId }),
    });
    this.#finder.show(self);
    this.#banned.show(self, this.#stage?.bansAsOf ?? null);
    const moment = { self, stage: this.#stage };
    noticesBetween(this.#before, moment, this.#names.names).forEach(showNotice);
    this.#before = moment;
  }

  async #learnNames(state: LiveRoomState): Promise<void> {
    try {
      // Who came meanwhile has no name yet.
      if (await this.#names.learn(state, this.#stage?.hands ?? [])) this.#draw();
    } catch (error) {
      showProblem(`Names cannot be shown: ${messageOf(error)}`);
    }
  }

  #people(): Person[] {
    const { state } = this.#call;
    return state ? peopleOf(state, this.#stage, this.#names.names) : [];
  }

  #self(): Person | null {
    return this.#people().find(({ isSelf }) => isSelf) ?? null;
  }

  /** `found`: as the graph knows somebody of whom the media server may not have told. */
  async #manage(participantId: string, found: Person | null = null): Promise<void> {
    const person = this.#people().find((one) => one.participantId === participantId) ?? found;
    const self = this.#self();
    if (person && self) await manage(self, person, this.#act);
  }

  readonly #act: Act = async (action, variables) => {
    try {
      await this.#api.act(action, variables);
      showProblem(null);
    } catch (error) {
      showProblem(messageOf(error));
    }
  };

  #openChat(): void {
    const roomId = this.#overview?.chatRoom?.id ?? null;
    if (document.body.dataset.step !== 'room' || roomId === this.#chatOf) return;
    this.#chatOf = roomId;
    this.#chat.open(roomId, this.#realtime);
  }

  #closeAside(): void {
    this.#chatOf = null;
    this.#chat.close();
    this.#reactions.stop();
  }
}
