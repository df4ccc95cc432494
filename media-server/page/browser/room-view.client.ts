import { maySpeak } from '#schema/live-role.ts';
import { CLOSE_CODES } from '#schema/signalling.ts';
import type { LiveRoomState } from '../../../clients/live/browser/live-state.client.ts';
import { make, requireButton, requireElement, setText, showText } from './elements.client.ts';
import type { RoomOverview } from './platform-api.client.ts';
import { connectionWords, lobbyWords } from './words.client.ts';

const STEPS = ['sign-in', 'lobby', 'full', 'room'] as const;
export type StepName = (typeof STEPS)[number];

const room = requireElement('room', HTMLElement);
const status = requireElement('status', HTMLParagraphElement);
const title = requireElement('title', HTMLHeadingElement);
const problem = requireElement('problem', HTMLParagraphElement);
const notices = requireElement('notices', HTMLDivElement);
const microphone = requireButton('microphone');
const rejoin = requireButton('rejoin');
const join = requireButton('join');
const start = requireButton('start');

/** How long a notice stays; screen readers have read it by then. */
const NOTICE_MS = 8_000;
const MOST_NOTICES = 3;

const ENTRY_OF: Readonly<Record<StepName, string>> = {
  'sign-in': 'email',
  lobby: 'title',
  full: 'title',
  room: 'title',
};

/** Shows one of the page's steps, with the keyboard's focus at its beginning: what had it may be gone. */
export function showStep(step: StepName): void {
  for (const id of STEPS) requireElement(id, HTMLElement).hidden = id !== step;
  document.body.dataset.step = step;
  // One choice of microphone, which goes where the visitor is.
  const place = step === 'room' ? 'room-device' : 'lobby-device';
  requireElement(place, HTMLDivElement).append(requireElement('device', HTMLDivElement));
  document.getElementById(ENTRY_OF[step])?.focus();
}

/** What the room is, and whether it can be joined. */
export function showOverview(overview: RoomOverview): void {
  const { title: name, topic, host, state, viewerId } = overview;
  setText(title, name);
  document.title = `${name} – Veza live`;
  showText(requireElement('topic', HTMLParagraphElement), topic || null);
  showText(requireElement('host', HTMLParagraphElement), host ? `Hosted by ${host.displayName}` : null);
  setText(requireElement('lobby-words', HTMLParagraphElement), lobbyWords(overview));
  join.hidden = state !== 'LIVE';
  requireElement('check-microphone', HTMLDivElement).hidden = state === 'ENDED';
  start.hidden = state !== 'SCHEDULED' || host === null || host.id !== viewerId;
}

/** Says what went wrong to eyes and screen readers; null clears it. */
export const showProblem = (text: string | null): void => showText(problem, text);

/** Says something that matters at this moment only. */
export function showNotice(text: string): void {
  const notice = make('p', 'notice', text);
  notices.append(notice);
  if (notices.children.length > MOST_NOTICES) notices.firstElementChild?.remove();
  setTimeout(() => notice.remove(), NOTICE_MS);
}

/** Draws the connection and the visitor's own controls. */
export function showConnection(state: LiveRoomState): void {
  const { self, connection, closeCode, microphone: sending } = state;
  setText(status, connectionWords(state));
  status.dataset.connection = connection;
  room.dataset.connection = connection;
  rejoin.hidden = connection !== 'closed' || closeCode === CLOSE_CODES.ROOM_ENDED;
  const isOn = sending === 'on';
  microphone.hidden = !self || !maySpeak(self.role);
  microphone.disabled = connection !== 'connected' || self?.muted === true;
  microphone.ariaPressed = String(isOn);
  setText(microphone, isOn ? 'Mute my microphone' : 'Turn my microphone on');
}
