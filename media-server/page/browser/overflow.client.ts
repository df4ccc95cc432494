import type { PlayedBroadcast } from './broadcast.client.ts';
import { requireButton, requireElement, setText, showText } from './elements.client.ts';
import { messageOf } from './words.client.ts';

const words = requireElement('full-words', HTMLParagraphElement);
const listen = requireButton('listen');
const player = requireElement('player', HTMLAudioElement);
const playerWords = requireElement('player-words', HTMLParagraphElement);
const playerLatency = requireElement('player-latency', HTMLParagraphElement);

const ENDED = 'The broadcast has ended. Try to join the room again.';

/** What is offered to whoever finds no place in the room: its broadcast. */
export class Overflow {
  readonly #renewUrl: () => Promise<string | null>;
  #url: string | null = null;
  #played: PlayedBroadcast | null = null;
  #heard = false;
  /** Changes with every stop: what is answered after one is of no use any more. */
  #turn = 0;

  /** `renewUrl` is asked for the broadcast's address where the last one is good no more: it is so for some hours. */
  constructor(renewUrl: () => Promise<string | null>) {
    this.#renewUrl = renewUrl;
    listen.addEventListener('click', () => void this.#listen());
    player.addEventListener('playing', () => {
      this.#heard = true;
      setText(playerWords, 'You hear the broadcast, a moment late.');
    });
    player.addEventListener('timeupdate', () => this.#showLatency());
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
        : 'Every place in this room is taken. You can hear the broadcast instead, a moment late.',
    );
  }

  stop(): void {
    this.#turn++;
    this.#played?.stop();
    this.#played = null;
    this.#heard = false;
    player.hidden = true;
    setText(playerWords, '');
    this.#showLatency();
  }

  async #listen(): Promise<void> {
    this.stop();
    const turn = this.#turn;
    listen.hidden = true;
    player.hidden = false;
    setText(playerWords, 'The broadcast is being loaded …');
    player.focus();
    try {
      this.#url ??= await this.#renewUrl();
      if (this.#url === null) return this.#failed('There is no broadcast at the moment.');
      // Most visitors never need the player.
      const { playBroadcast } = await import('./broadcast.client.ts');
      if (turn !== this.#turn) return;
      this.#played = playBroadcast(player, this.#url, {
        onEnded: () => void this.#follow(ENDED, true),
        onProblem: (problem) => void this.#follow(problem, false),
      });
    } catch (error) {
      this.#failed(messageOf(error));
    }
  }

  /** What was heard until now may go on at another server. */
  async #follow(problem: string, ended: boolean): Promise<void> {
    const [former, heard] = [this.#url, this.#heard];
    this.stop();
    const turn = this.#turn;
    const url = heard ? await this.#renewUrl().catch(() => null) : null;
    if (turn !== this.#turn) return;
    // Where it has ended, its last seconds would be heard again and again.
    if (url === null || (ended && isSameServer(url, former))) return this.#failed(problem);
    this.#url = url;
    return this.#listen();
  }

  #failed(problem: string): void {
    this.stop();
    this.#url = null;
    setText(playerWords, problem);
    listen.hidden = false;
  }

  #showLatency(): void {
    const seconds = this.#heard ? this.#played?.latency : null;
    showText(playerLatency, seconds ? `${seconds.toFixed(1)} seconds behind the live edge` : null);
  }
}

const isSameServer = (url: string, former: string | null): boolean =>
  former !== null && new URL(url).origin === new URL(former).origin;
