import { make, makeButton, requireElement, setText, showText } from './elements.client.ts';
import { isOnStage, type Person } from './people.client.ts';
import { loudnessOf } from './speakers.client.ts';
import { initialsOf, noteOf, qualityWords, roleWord } from './words.client.ts';

const stage = requireElement('participants', HTMLUListElement);
const audience = requireElement('listeners', HTMLUListElement);
const count = requireElement('count', HTMLSpanElement);
const audienceCount = requireElement('listener-count', HTMLSpanElement);

/** As many as the style sheet has. */
const AVATAR_COLOURS = 6;

/** What is called where somebody's options are asked for. */
type Manage = (participantId: string) => void;

/**
 * Draws everybody who is here, and how many more are. Rows are kept, so that focus and meters do not jump. `hasOptions`: whether the visitor can do
 * something about that person.
 */
export function showPeople(
  people: readonly Person[],
  unlisted: number,
  hasOptions: (person: Person) => boolean,
  manage: Manage,
): void {
  setText(count, String(people.length + unlisted));
  for (const row of rows())
    if (!people.some((one) => one.participantId === row.dataset.participantId)) row.remove();
  for (const person of people) drawPerson(person, hasOptions(person), manage);
  setText(audienceCount, String(audience.children.length + unlisted));
  showText(
    requireElement('more-listeners', HTMLParagraphElement),
    unlisted === 0 ? null : `and ${unlisted} more`,
  );
  requireElement('no-speakers', HTMLParagraphElement).hidden = stage.children.length > 0;
  requireElement('no-listeners', HTMLParagraphElement).hidden = audience.children.length > 0;
}

/** `levels` are root mean squares by participant. */
export function showLevels(levels: ReadonlyMap<string, number>): void {
  for (const row of rows()) {
    const level = levels.get(row.dataset.participantId ?? '') ?? 0;
    row.dataset.level = level.toFixed(4);
    const loudness = loudnessOf(level);
    row.style.setProperty('--loudness', loudness.toFixed(2));
    const meter = row.querySelector('meter');
    if (meter) meter.value = loudness;
  }
}

const rows = () => [...stage.children, ...audience.children].filter((row) => row instanceof HTMLElement);

function drawPerson(person: Person, hasOptions: boolean, manage: Manage): void {
  const { participantId, name, isSelf, role, quality, dominant } = person;
  const found = rows().find((one) => one.dataset.participantId === participantId);
  const row = found ?? newRow(participantId, manage);
  const list = isOnStage(person) ? stage : audience;
  if (row.parentElement !== list) list.append(row);
  row.dataset.role = role;
  row.dataset.speaking = String(dominant);
  row.dataset.quality = quality ?? 'unknown';
  setText(row.querySelector('.avatar'), initialsOf(name));
  setText(row.querySelector('.name'), isSelf ? `${name} (you)` : name);
  setText(row.querySelector('.role'), roleWord(role));
  setText(row.querySelector('.note'), noteOf(person));
  const signal = row.querySelector('.signal');
  signal?.setAttribute('aria-label', qualityWords(quality));
  signal?.setAttribute('title', qualityWords(quality));
  row.querySelector('meter')?.setAttribute('aria-label', `Loudness of ${name}`);
  const options = row.querySelector('button');
  options?.setAttribute('aria-label', `Options for ${name}`);
  options?.toggleAttribute('hidden', !hasOptions);
}

function newRow(participantId: string, manage: Manage): HTMLElement {
  const row = make('li', 'person');
  row.dataset.participantId = participantId;
  row.dataset.level = '0';
  const avatar = make('span', 'avatar');
  avatar.ariaHidden = 'true';
  avatar.dataset.colour = String(colourOf(participantId));
  const signal = make('span', 'signal');
  signal.role = 'img';
  const meter = make('meter', '');
  meter.max = 1;
  const options = makeButton('⋯', () => manage(participantId), 'options');
  options.setAttribute('aria-haspopup', 'dialog');
  const words = make('div', 'words');
  words.append(make('span', 'name'), ' ', make('span', 'role'), make('span', 'note'));
  row.append(avatar, words, meter, signal, options);
  return row;
}

const colourOf = (id: string): number =>
  [...id].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) % 9_973, 0) % AVATAR_COLOURS;
