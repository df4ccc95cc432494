import { maySpeak } from '#schema/live-role.ts';
import { microphoneConstraints } from '../../../clients/live/browser/microphone.client.ts';
import { LiveRoomClient, type LiveRoomState } from '../../../clients/live/browser/live-room.client.ts';
import { PlatformApi, SignInNeeded } from './platform-api.client.ts';
import { Speakers } from './speakers.client.ts';
import { requireElement, showLevels, showProblem, showRoom, showStep, showTitle } from './view.client.ts';
import { microphoneWords } from './words.client.ts';

const { graphqlPath = '/graphql', liveRoomId = '' } = document.body.dataset;
const api = new PlatformApi(graphqlPath);

const play = requireElement('play', HTMLButtonElement);
let client: LiveRoomClient | null = null;
let speakers: Speakers | null = null;
let names: ReadonlyMap<string, string> = new Map();
let asking = false;
let microphone: MediaStreamTrack | null = null;
let microphoneOffered = false;
let wasOn = false;

function join(): void {
  showProblem(null);
  showStep('room');
  microphoneOffered = false;
  speakers ??= new Speakers(showLevels, () => (play.hidden = false));
  const output = speakers;
  client = new LiveRoomClient({
    getGrant,
    onChange: (state) => void changed(state),
    onTrack: (track) => output.play(track),
    onTrackEnded: (consumerId) => output.stop(consumerId),
  });
  void client.connect();
}

async function getGrant() {
  try {
    return await api.joinLiveRoom(liveRoomId);
  } catch (error) {
    if (error instanceof SignInNeeded) void leave().then(askToSignIn);
    throw error;
  }
}

async function changed(state: LiveRoomState): Promise<void> {
  showRoom(state, names);
  // Also where a moderator or the end of the room did it: the browser shows that the microphone is free.
  if (state.microphone === 'off' && wasOn) stopMicrophone();
  wasOn = state.microphone === 'on';
  if (state.connection !== 'connected') return;
  await Promise.all([openAtFirst(state), learnNames(state)]);
}

// Whoever comes to speak is heard from the start. Whoever is made a speaker later decides that alone.
async function openAtFirst(state: LiveRoomState): Promise<void> {
  if (microphoneOffered || !state.self) return;
  microphoneOffered = true;
  if (maySpeak(state.self.role) && !state.self.muted) await openMicrophone(state);
}

function stopMicrophone(): void {
  microphone?.stop();
  microphone = null;
}

async function learnNames(state: LiveRoomState): Promise<void> {
  const everybody = [...state.others, ...(state.self ? [state.self] : [])];
  const nameless = everybody.filter(({ participantId }) => !names.has(participantId));
  if (asking || nameless.length === 0) return;
  asking = true;
  let known: ReadonlyMap<string, string> = new Map();
  try {
    const room = await api.roomNames(
      liveRoomId,
      nameless.map(({ userId }) => userId),
    );
    showTitle(room.title);
    known = room.names;
  } catch (error) {
    showProblem(error instanceof Error ? `Names cannot be shown: ${error.message}` : null);
  } finally {
    asking = false;
  }
  // Also for whom there is no name, so that nobody is asked for again and again.
  const learnt = nameless.map(
    ({ participantId, userId }) => [participantId, known.get(userId) ?? 'Somebody'] as const,
  );
  names = new Map([...names, ...learnt]);
  // Who came meanwhile has no name yet.
  if (client) await changed(client.state);
}

async function openMicrophone({ music }: LiveRoomState): Promise<void> {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: microphoneConstraints(music) });
    stopMicrophone();
    microphone = stream.getAudioTracks()[0] ?? null;
    if (microphone) await client?.openMicrophone(microphone);
    showProblem(null);
  } catch (error) {
    showProblem(microphoneWords(error));
  }
}

async function toggleMicrophone(): Promise<void> {
  if (!client) return;
  const { state } = client;
  if (state.microphone === 'off') return openMicrophone(state);
  await client.closeMicrophone().catch((error: unknown) => showProblem(microphoneWords(error)));
}

async function leave(): Promise<void> {
  await client?.leave();
  client = null;
  stopMicrophone();
  showStep('lobby');
}

function askToSignIn(): void {
  showStep('sign-in');
  requireElement('email', HTMLInputElement).focus();
}

async function signIn(event: SubmitEvent): Promise<void> {
  event.preventDefault();
  const password = requireElement('password', HTMLInputElement);
  try {
    await api.signIn(requireElement('email', HTMLInputElement).value, password.value);
    password.value = '';
    join();
  } catch (error) {
    showProblem(error instanceof Error ? error.message : 'Signing in failed.');
  }
}

requireElement('sign-in', HTMLFormElement).addEventListener('submit', (event) => void signIn(event));
requireElement('join', HTMLButtonElement).addEventListener('click', join);
requireElement('leave', HTMLButtonElement).addEventListener('click', () => void leave());
requireElement('microphone', HTMLButtonElement).addEventListener('click', () => void toggleMicrophone());
play.addEventListener('click', () => {
  play.hidden = true;
  void speakers?.resume();
});
addEventListener('pagehide', () => void client?.leave());

if (!api.signedIn) askToSignIn();
else if (new URLSearchParams(location.search).get('autojoin') === '1') join();
else showStep('lobby');
