import type { LiveRoomState } from '../../../clients/live/browser/live-room.client.ts';
import type { Names } from './people.client.ts';
import type { PlatformApi } from './platform-api.client.ts';

/** Display names of participants, each asked for once. */
export class NameBook {
  readonly #api: PlatformApi;
  #names: Names = new Map();
  #asking = false;

  constructor(api: PlatformApi) {
    this.#api = api;
  }

  get names(): Names {
    return this.#names;
  }

  /** Whether there are names now that were not known before; rejects where the platform does not tell them. */
  async learn({ self, others }: LiveRoomState): Promise<boolean> {
    const everybody = self ? [self, ...others] : others;
    const nameless = everybody.filter(({ participantId }) => !this.#names.has(participantId));
    if (this.#asking || nameless.length === 0) return false;
    this.#asking = true;
    let known: ReadonlyMap<string, string> = new Map();
    try {
      known = await this.#api.namesOf(nameless.map(({ userId }) => userId));
    } finally {
      this.#asking = false;
      // Also for whom there is no name, so that nobody is asked for again and again.
      const learnt = nameless.map(
        ({ participantId, userId }) => [participantId, known.get(userId) ?? 'Somebody'] as const,
      );
      this.#names = new Map([...this.#names, ...learnt]);
    }
    return true;
  }
}
