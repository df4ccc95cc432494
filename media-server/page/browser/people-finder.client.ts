import { make, makeButton, requireElement } from './elements.client.ts';
import type { FoundPerson } from './found-people.client.ts';
import { PagedPeople } from './paged-people.client.ts';
import type { Person } from './people.client.ts';
import { moderates } from './permissions.client.ts';
import type { PlatformApi } from './platform-api.client.ts';
import { noteOf, roleWord } from './words.client.ts';

const section = requireElement('find', HTMLElement);

/**
 * Finds anybody in the room by what they are called, in pages; without a name it lists everybody, those who joined first before the others. Of very many
 * listeners the media server tells the number alone: moderators reach each of them here.
 */
export class PeopleFinder {
  readonly #people: PagedPeople;
  readonly #manage: (person: Person) => Promise<void>;

  /** `manage` resolves once something was done about that person, or nothing shall be. */
  constructor(source: Pick<PlatformApi, 'people'>, manage: (person: Person) => Promise<void>) {
    this.#manage = manage;
    this.#people = new PagedPeople({
      id: 'find',
      ask: (search, after) => source.people(search, after),
      rowOf: (found) => this.#rowOf(found),
      nobody: 'Nobody here is called that.',
    });
  }

  /** Whoever does not decide about others is shown nothing of it. */
  show(self: Person | null): void {
    const isHidden = self === null || !moderates(self.role);
    if (section.hidden === isHidden) return;
    section.hidden = isHidden;
    if (isHidden) this.#people.clear();
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
    if (!section.hidden) await this.#people.load();
  }
}
