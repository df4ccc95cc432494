import type { ConnectionQuality } from '#schema/connection-quality.ts';
import { maySpeak, type LiveRole } from '#schema/live-role.ts';
import type { LiveRoomState } from '../../../clients/live/browser/live-room.client.ts';
import { connectionWords, joinWords, qualityWord, roleWord } from './words.client.ts';

/** An element that the page's HTML must contain. */
export function requireElement<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`The page has no ${type.name} "${id}".`);
}

interface Person {
  readonly participantId: string;
  readonly name: string;
  readonly role: LiveRole;
  readonly note: string;
  readonly quality: ConnectionQuality | null;
  readonly dominant: boolean;
}

const QUIETEST_DB = -60;

const section = (id: string) => requireElement(id, HTMLElement);
const status = requireElement('status', HTMLParagraphElement);
const title = requireElement('title', HTMLHeadingElement);
const list = requireElement('participants', HTMLUListElement);
const count = requireElement('count', HTMLSpanElement);
const microphone = requireElement('microphone', HTMLButtonElement);
const problem = requireElement('problem', HTMLParagraphElement);

/** Shows one of the page's three steps. */
export function showStep(step: 'sign-in' | 'lobby' | 'room'): void {
  for (const id of ['sign-in', 'lobby', 'room']) section(id).hidden = id !== step;
}

export function showTitle(text: string): void {
  title.textContent = text;
  document.title = `${text} – Veza live`;
}

/** Says what went wrong to eyes and screen readers; null clears it. */
export function showProblem(text: string | null): void {
  problem.textContent = text ?? '';
  problem.hidden = text === null;
}

/** Draws the whole state. Rows are kept, so that focus and meters do not jump. */
export function showRoom(state: LiveRoomState, names: ReadonlyMap<string, string>): void {
  status.textContent = connectionWords(state);
  status.dataset.connection = state.connection;
  const people = peopleOf(state, names);
  count.textContent = String(people.length);
  for (const row of rows())
    if (!people.some((one) => one.participantId === row.dataset.participantId)) row.remove();
  for (const person of people) drawPerson(person);
  drawMicrophone(state);
}

/** `levels` are root mean squares by participant. */
export function showLevels(levels: ReadonlyMap<string, number>): void {
  for (const row of rows()) {
    const level = levels.get(row.dataset.participantId ?? '') ?? 0;
    row.dataset.level = level.toFixed(4);
    const meter = row.querySelector('meter');
    const decibels = 20 * Math.log10(Math.max(level, 1e-6));
    if (meter) meter.value = Math.max(0, 1 - decibels / QUIETEST_DB);
  }
}

const rows = () => [...list.children].filter((row) => row instanceof HTMLElement);

function peopleOf(state: LiveRoomState, names: ReadonlyMap<string, string>): Person[] {
  const named = (id: string) => names.get(id) ?? 'Somebody';
  const others = state.others.map(({ participantId, role, muted, sending, quality }) => ({
    participantId,
    name: named(participantId),
    role,
    note: noteOf(role, muted, sending),
    quality,
    dominant: participantId === state.dominant,
  }));
  if (!state.self) return others;
  const { participantId, role, muted, quality } = state.self;
  const note = noteOf(role, muted, state.microphone === 'on');
  const self = { participantId, name: `${named(participantId)} (you)`, role, note, quality };
  return [{ ...self, dominant: participantId === state.dominant }, ...others];
}

function noteOf(role: LiveRole, muted: boolean, sending: boolean): string {
  if (!maySpeak(role)) return '';
  if (muted) return 'muted by a moderator';
  return sending ? 'microphone on' : 'microphone off';
}

function drawPerson({ participantId, name, role, note, quality, dominant }: Person): void {
  const row = rows().find((one) => one.dataset.participantId === participantId) ?? newRow(participantId);
  row.dataset.role = role;
  row.dataset.speaking = String(dominant);
  setText(row, '.name', name);
  setText(row, '.role', roleWord(role));
  row.dataset.quality = quality ?? 'unknown';
  setText(row, '.note', joinWords(note, dominant ? 'speaking' : '', qualityWord(quality)));
  row.querySelector('meter')?.setAttribute('aria-label', `Loudness of ${name}`);
}

function newRow(participantId: string): HTMLElement {
  const row = document.createElement('li');
  row.dataset.participantId = participantId;
  row.dataset.level = '0';
  for (const name of ['name', 'role', 'note']) {
    const part = document.createElement('span');
    part.className = name;
    row.append(part);
  }
  const meter = document.createElement('meter');
  meter.max = 1;
  row.append(meter);
  list.append(row);
  return row;
}

// Unchanged text is left alone: screen readers announce what is written.
function setText(row: HTMLElement, selector: string, text: string): void {
  const part = row.querySelector(selector);
  if (part && part.textContent !== text) part.textContent = text;
}

function drawMicrophone({ self, microphone: state, connection }: LiveRoomState): void {
  microphone.hidden = !self || !maySpeak(self.role);
  microphone.disabled = connection !== 'connected' || self?.muted === true;
  microphone.setAttribute('aria-pressed', String(state === 'on'));
  microphone.textContent = state === 'on' ? 'Mute my microphone' : 'Turn my microphone on';
}
