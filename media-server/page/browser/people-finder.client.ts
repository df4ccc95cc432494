import { make, makeButton, requireButton, requireElement, setText } from './elements.client.ts';
import type { Person } from './people.client.ts';
import type { FoundPerson, PlatformApi } from './platform-api.client.ts';
import { messageOf, noteOf, roleWord } from './words.client.ts';

const section = requireElement('find', HTMLElement);
const form = requireElement('find-form', HTMLFormElement);
const input = requireElement('find-name', HTMLInputElement);
const list = requireElement('found', HTMLUListElement);
const outcome = requireElement('find-outcome', HTMLParagraphElement);
const more = requireButton('found-more');

/**
 * Finds anybody in the room by what they are called, in pages; without a name it lists everybody, those who joined first before the others. Of very many
 * listeners the media server tells the number alone: moderators reach each of them here.
 */
export class PeopleFinder {
  readonly #source: Pick<PlatformApi, 'people'>;
  readonly #manage: (person: Person) => Promise<void>;
  #search = '';
  #next: string | null = null;
  /** Of the question whose answer is still wanted. */
  #turn: object = {};

  /** `manage` resolves once something was done about that person, or nothing shall be. */
  constructor(source: Pick<PlatformApi, 'people'>, manage: (person: Person) => Promise<void>) {
    this.#source = source;
    this.#manage = manage;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#find(input.value);
    });
    more.addEventListener('click', () => void this.#ask(this.#next));
  }

  /** Whether the visitor decides about others. Who does not is shown nothing of it. */
  show(isModerator: boolean): void {
    if (section.hidden === !isModerator) return;
    section.hidden = !isModerator;
    this.#turn = {};
    input.value = '';
    this.#clear();
  }

  async #find(search: string): Promise<void> {
    this.#search = search;
    await this.#ask(null);
  }

  async #ask(after: string | null): Promise<void> {
    const turn = (this.#turn = {});
    try {
      const { people, next } = await this.#source.people(this.#search, after);
      if (turn !== this.#turn) return;
      if (after === null) this.#clear();
      list.append(...people.map((one) => this.#rowOf(one)));
      this.#next = next;
      more.hidden = next === null;
      setText(outcome, list.children.length === 0 ? 'Nobody here is called that.' : '');
    } catch (error) {
      if (turn === this.#turn) setText(outcome, messageOf(error));
    }
  }

  #clear(): void {
    list.replaceChildren();
    more.hidden = true;
    setText(outcome, '');
  }

  #rowOf(found: FoundPerson): HTMLElement {
    const person: Person = { ...found, isSelf: false, sending: false, quality: null, dominant: false };
    const row = make('li', 'person');
    row.dataset.found = person.participantId;
    const words = make('div', 'words');
    words.append(make('span', 'name', person.name), ' ', make('span', 'role', roleWord(person.role)));
    words.append(make('span', 'note', person.role === 'LISTENER' ? noteOf(person) : ''));
    const options = makeButton('⋯', () => void this.#open(person), 'options');
    options.setAttribute('aria-haspopup', 'dialog');
    options.ariaLabel = `Manage ${person.name}`;
    row.append(words, options);
    return row;
  }

  // What was done is seen in what is found after it.
  async #open(person: Person): Promise<void> {
    await this.#manage(person);
    if (!section.hidden) await this.#ask(null);
  }
}
