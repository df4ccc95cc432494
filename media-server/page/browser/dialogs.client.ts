import { makeButton, requireButton, requireElement, setText } from './elements.client.ts';

const confirmation = requireElement('confirmation', HTMLDialogElement);
const person = requireElement('person', HTMLDialogElement);
const choices = requireElement('person-actions', HTMLDivElement);
/** Who waits for a dialog's answer. */
const asking = new Map<HTMLDialogElement, (answer: string) => void>();

for (const dialog of [confirmation, person]) {
  // A click beside it reaches the dialog itself: its backdrop.
  dialog.addEventListener('click', ({ target }) => {
    if (target === dialog) dialog.close('');
  });
  // The event comes some time after the closing; the dialog may be open again by then.
  dialog.addEventListener('close', () => {
    if (!dialog.open) tellAnswer(dialog);
  });
}
requireButton('person-close').addEventListener('click', () => person.close(''));
requireButton('confirmation-cancel').addEventListener('click', () => confirmation.close(''));
requireButton('confirmation-accept').addEventListener('click', () => confirmation.close('accepted'));

/** Asks before what cannot be undone; Escape and a click beside it are a no. The browser keeps focus inside, and gives it back. */
export async function confirmed(question: string, explanation: string, accept: string): Promise<boolean> {
  setText(requireElement('confirmation-question', HTMLHeadingElement), question);
  setText(requireElement('confirmation-explanation', HTMLParagraphElement), explanation);
  setText(requireButton('confirmation-accept'), accept);
  return (await answerOf(confirmation)) === 'accepted';
}

export interface Choice<A extends string> {
  readonly action: A;
  readonly words: string;
  readonly isGrave: boolean;
}

/** What is to be done about somebody; null: nothing. */
export async function chooseAction<A extends string>(
  name: string,
  note: string,
  offered: readonly Choice<A>[],
): Promise<A | null> {
  setText(requireElement('person-name', HTMLHeadingElement), name);
  setText(requireElement('person-note', HTMLParagraphElement), note);
  choices.replaceChildren(
    ...offered.map(({ action, words, isGrave }) =>
      makeButton(words, () => person.close(action), isGrave ? 'grave' : ''),
    ),
  );
  const answer = await answerOf(person);
  return offered.find(({ action }) => action === answer)?.action ?? null;
}

function answerOf(dialog: HTMLDialogElement): Promise<string> {
  tellAnswer(dialog);
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => asking.set(dialog, resolve));
}

function tellAnswer(dialog: HTMLDialogElement): void {
  asking.get(dialog)?.(dialog.returnValue);
  asking.delete(dialog);
}
