import { make, makeButton, requireButton, requireElement, setText, showText } from './elements.client.ts';
import { nameOf, type Names, type Person } from './people.client.ts';
import { moderates } from './permissions.client.ts';
import type { Stage } from './stage.client.ts';

const hands = requireElement('hands', HTMLOListElement);
const handsSection = requireElement('hands-section', HTMLElement);
const handsCount = requireElement('hands-count', HTMLSpanElement);
const recording = requireElement('recording', HTMLParagraphElement);
const invitation = requireElement('invitation', HTMLElement);
const tools = requireElement('tools', HTMLDivElement);
const record = requireButton('record');
const end = requireButton('end');
const audience = requireButton('audience');
const hand = requireButton('hand');

const RECORDING_WORDS = {
  STARTING: 'A recording of this room is about to begin.',
  RECORDING: 'This room is being recorded.',
} as const;

/** What a moderator can do about a hand that is up. */
export interface HandActions {
  readonly letSpeak: (participantId: string) => void;
  readonly lower: (participantId: string) => void;
}

/** Draws what the graph tells: hands, the recording, an invitation, and the tools of whoever moderates. `self` is null while not connected. */
export function showStage(
  stage: Stage | null,
  self: Person | null,
  names: Names,
  actions: HandActions,
): void {
  showText(recording, stage?.recording ? RECORDING_WORDS[stage.recording] : null);
  invitation.hidden = !self?.invited;
  const isModerator = self !== null && moderates(self.role);
  tools.hidden = !isModerator;
  record.hidden = self?.role !== 'HOST' && !stage?.recording;
  setText(record, stage?.recording ? 'Stop recording' : 'Record');
  record.dataset.recording = String(!!stage?.recording);
  for (const tool of [audience, end]) tool.hidden = self?.role !== 'HOST';
  audience.ariaPressed = String(stage?.audience === 'SIGNED_IN');
  hand.hidden = self?.role !== 'LISTENER';
  hand.ariaPressed = String(self?.asks ?? false);
  setText(hand, self?.asks ? 'Lower my hand' : 'Raise my hand');
  showHands(stage?.hands ?? [], self, names, isModerator ? actions : null);
}

function showHands(
  waiting: readonly string[],
  self: Person | null,
  names: Names,
  actions: HandActions | null,
): void {
  handsSection.hidden = waiting.length === 0;
  setText(handsCount, String(waiting.length));
  // Drawn anew only where something is another than before.
  const drawn = JSON.stringify([
    waiting.map((id) => [id, nameOf(names, id)]),
    self?.participantId,
    !!actions,
  ]);
  if (hands.dataset.drawn === drawn) return;
  hands.dataset.drawn = drawn;
  hands.replaceChildren(
    ...waiting.map((id) => {
      const name = nameOf(names, id);
      const row = make('li', 'hand');
      row.dataset.hand = id;
      row.append(make('span', 'name', id === self?.participantId ? `${name} (you)` : name));
      if (actions) {
        const letSpeak = makeButton('Let speak', () => actions.letSpeak(id), 'main');
        letSpeak.ariaLabel = `Let ${name} speak`;
        const lower = makeButton('Lower', () => actions.lower(id));
        lower.ariaLabel = `Lower the hand of ${name}`;
        row.append(letSpeak, lower);
      }
      return row;
    }),
  );
}
