import type { PlayedBroadcast } from './broadcast.client.ts';
import { requireButton, requireElement, setText } from './elements.client.ts';
import { messageOf } from './words.client.ts';

const words = requireElement('full-words', HTMLParagraphElement);
const listen = requireButton('listen');
const player = requireElement('player', HTMLAudioElement);
const playerWords = requireElement('player-words', HTMLParagraphElement);

/** What is offered to whoever finds no place in the room: its broadcast. */
export class Overflow {
  readonly #renewUrl: () => Promise<string | null>;
  #url: string | null = null;
  #played: PlayedBroadcast | null = null;

  /** `renewUrl` is asked for the broadcast's address where the last one is good no more: it is so for some hours. */
  constructor(renewUrl: () => Promise<string | null>) {
    this.#renewUrl = renewUrl;
    listen.addEventListener('click', () => void this.#listen());
    player.addEventListener('playing', () =>
      setText(playerWords, 'You hear the broadcast, some seconds late.'),
    );
  }

  /** `url` is the broadcast's HLS playlist; null where there is none. */
  offer(url: string | null): void {
    this.stop();
    this.#url = url;
    listen.hidden = url === null;
    setText(
      words,
      url === null
        ? 'Every place in this room is taken. Somebody may leave soon: try again.'
        : 'Every place in this room is taken. You can hear the broadcast instead, some seconds late.',
    );
  }

  stop(): void {
    this.#played?.stop();
    this.#played = null;
    player.hidden = true;
    setText(playerWords, '');
  }

  async #listen(): Promise<void> {
    this.stop();
    listen.hidden = true;
    player.hidden = false;
    setText(playerWords, 'The broadcast is being loaded …');
    player.focus();
    try {
      this.#url ??= await this.#renewUrl();
      if (this.#url === null) return this.#failed('There is no broadcast at the moment.');
      // Most visitors never need the player.
      const { playBroadcast } = await import('./broadcast.client.ts');
      this.#played = playBroadcast(player, this.#url, (problem) => this.#failed(problem));
    } catch (error) {
      this.#failed(messageOf(error));
    }
  }

  #failed(problem: string): void {
    this.stop();
    this.#url = null;
    setText(playerWords, problem);
    listen.hidden = false;
  }
}
