import { keepFocus, requireButton, requireElement, setText } from './elements.client.ts';
import type { FoundPeople, FoundPerson } from './found-people.client.ts';
import { messageOf } from './words.client.ts';

export interface PagedPeopleOptions {
  /** With what the ids of its elements begin: title, form, name, outcome, list and more. */
  readonly id: string;
  readonly ask: (search: string, after: string | null) => Promise<FoundPeople>;
  readonly rowOf: (person: FoundPerson) => HTMLElement;
  /** What is said where nobody is found. */
  readonly nobody: string;
  /** Whether the list is shown may hang on what is in it. */
  readonly onFound?: (found: Found) => void;
}

export interface Found {
  /** How many are listed by now. */
  readonly count: number;
  readonly hasMore: boolean;
  /** Whether somebody is looked for by name. */
  readonly isSearch: boolean;
}

/** A list of people that the platform gives in pages, and in which it finds them by what they are called. */
export class PagedPeople {
  readonly #options: PagedPeopleOptions;
  readonly #title: HTMLHeadingElement;
  readonly #input: HTMLInputElement;
  readonly #list: HTMLUListElement;
  readonly #outcome: HTMLParagraphElement;
  readonly #more: HTMLButtonElement;
  #search = '';
  #next: string | null = null;
  /** Of the question whose answer is still wanted. */
  #turn: object = {};

  constructor(options: PagedPeopleOptions) {
    const { id } = options;
    this.#options = options;
    this.#title = requireElement(`${id}-title`, HTMLHeadingElement);
    this.#input = requireElement(`${id}-name`, HTMLInputElement);
    this.#list = requireElement(`${id}-list`, HTMLUListElement);
    this.#outcome = requireElement(`${id}-outcome`, HTMLParagraphElement);
    this.#more = requireButton(`${id}-more`);
    requireElement(`${id}-form`, HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      this.#search = this.#input.value;
      void this.load();
    });
    this.#more.addEventListener('click', () => void this.#ask(this.#next));
  }

  /** Asks anew for whom was looked for last, from the first page on. */
  load(): Promise<void> {
    return this.#ask(null);
  }

  /** Forgets who was found, and who was looked for. */
  clear(): void {
    this.#turn = {};
    this.#search = '';
    this.#input.value = '';
    this.#list.replaceChildren();
    this.#more.hidden = true;
    setText(this.#outcome, '');
  }

  async #ask(after: string | null): Promise<void> {
    const turn = (this.#turn = {});
    try {
      const page = await this.#options.ask(this.#search, after);
      if (turn !== this.#turn) return;
      // The row that had the focus may be gone, and the list with it.
      keepFocus(() => this.#draw(page, after), this.#title, requireElement('title', HTMLHeadingElement));
    } catch (error) {
      if (turn === this.#turn) setText(this.#outcome, messageOf(error));
    }
  }

  #draw({ people, next }: FoundPeople, after: string | null): void {
    const { rowOf, nobody, onFound } = this.#options;
    if (after === null) this.#list.replaceChildren();
    this.#list.append(...people.map((one) => rowOf(one)));
    this.#next = next;
    this.#more.hidden = next === null;
    const count = this.#list.children.length;
    setText(this.#outcome, count === 0 ? nobody : '');
    onFound?.({ count, hasMore: next !== null, isSearch: this.#search.trim() !== '' });
  }
}
