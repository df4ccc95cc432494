import type { LiveRole } from '#schema/live-role.ts';
import { make, makeButton, requireElement } from './elements.client.ts';
import { PEOPLE_PER_PAGE, type FoundPerson } from './found-people.client.ts';
import { PagedPeople, type Found } from './paged-people.client.ts';
import type { Person } from './people.client.ts';
import { decidesAbout, moderates } from './permissions.client.ts';
import type { PlatformApi } from './platform-api.client.ts';
import { showNotice, showProblem } from './room-view.client.ts';
import { messageOf, roleWord } from './words.client.ts';

const section = requireElement('banned', HTMLElement);
const form = requireElement('banned-form', HTMLFormElement);

/** Who is banned from the room, for those who may let them come back. While nobody is there is nothing to be seen of it. */
export class BannedPeople {
  readonly #source: Pick<PlatformApi, 'people' | 'act'>;
  readonly #people: PagedPeople;
  /** Of the visitor, while it lets them know who is banned. */
  #role: LiveRole | null = null;
  #asOf: string | null = null;

  constructor(source: Pick<PlatformApi, 'people' | 'act'>) {
    this.#source = source;
    this.#people = new PagedPeople({
      id: 'banned',
      ask: (search, after) => source.people(search, after, 'bannedParticipants'),
      rowOf: (person) => this.#rowOf(person),
      nobody: 'Nobody who is banned is called that.',
      onFound: (found) => this.#found(found),
    });
  }

  /** `asOf` is another one after each ban, and after the end of each. Called several times a second. */
  show(self: Person | null, asOf: string | null): void {
    const role = self !== null && moderates(self.role) ? self.role : null;
    if (role === this.#role && asOf === this.#asOf) return;
    this.#role = role;
    this.#asOf = asOf;
    if (role !== null) return void this.#people.load();
    section.hidden = true;
    this.#people.clear();
  }

  // A few are seen at a glance.
  #found({ count, hasMore, isSearch }: Found): void {
    section.hidden = count === 0 && !isSearch;
    form.hidden = !isSearch && !hasMore && count <= PEOPLE_PER_PAGE;
  }

  #rowOf(person: FoundPerson): HTMLElement {
    const { name, role, participantId } = person;
    const row = make('li', 'person');
    row.dataset.banned = participantId;
    const words = make('div', 'words');
    words.append(make('span', 'name', name), ' ', make('span', 'role', roleWord(role)));
    row.append(words);
    if (this.#role !== null && decidesAbout(this.#role, role)) {
      const unban = makeButton('Unban', () => void this.#unban(person));
      unban.ariaLabel = `Unban ${name}`;
      row.append(unban);
    } else words.append(make('span', 'note', 'Only the host can unban them.'));
    return row;
  }

  async #unban({ participantId, name }: FoundPerson): Promise<void> {
    try {
      await this.#source.act('unbanParticipant', { participantId });
      showProblem(null);
      showNotice(`${name} can come back.`);
    } catch (error) {
      showProblem(messageOf(error));
    }
    // Also where it was refused: somebody else may have done it, or the room is another by now.
    if (this.#role !== null) await this.#people.load();
  }
}
