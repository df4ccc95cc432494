import type { LiveRoomState } from '../../../clients/live/browser/live-state.client.ts';
import { UNKNOWN, type Names } from './people.client.ts';
import type { PlatformApi } from './platform-api.client.ts';

type NameSource = Pick<PlatformApi, 'namesOf' | 'namesOfHands'>;

/** Display names of participants, each asked for once. */
export class NameBook {
  readonly #api: NameSource;
  #names: Names = new Map();
  #asking = false;

  constructor(api: NameSource) {
    this.#api = api;
  }

  get names(): Names {
    return this.#names;
  }

  /**
   * Learns the names of everybody who is listed, and of those whose hands are up, who may not be. Whether there are names now that were not known
   * before; rejects where the platform does not tell them.
   */
  async learn({ self, others }: LiveRoomState, hands: readonly string[]): Promise<boolean> {
    const isNameless = (participantId: string) => !this.#names.has(participantId);
    const everybody = self ? [self, ...others] : others;
    const nameless = everybody.filter(({ participantId }) => isNameless(participantId));
    const ids = new Set(everybody.map(({ participantId }) => participantId));
    const unlisted = hands.filter((id) => isNameless(id) && !ids.has(id));
    if (this.#asking || nameless.length + unlisted.length === 0) return false;
    this.#asking = true;
    const known = new Map<string, string>();
    try {
      const names = await this.#api.namesOf(nameless.map(({ userId }) => userId));
      for (const { participantId, userId } of nameless)
        known.set(participantId, names.get(userId) ?? UNKNOWN);
      if (unlisted.length > 0) for (const [id, name] of await this.#api.namesOfHands()) known.set(id, name);
    } finally {
      this.#asking = false;
      // Also for whom there is no name, so that nobody is asked for again and again.
      const asked = [...nameless.map(({ participantId }) => participantId), ...unlisted];
      const learnt = asked.map((id) => [id, known.get(id) ?? UNKNOWN] as const);
      this.#names = new Map([...this.#names, ...learnt]);
    }
    return true;
  }
}
