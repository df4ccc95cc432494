import { Liveness } from './liveness.client.ts';
import type { LinkPaths, MediaLink } from './media-link.client.ts';
import { RestartPace } from './retry.client.ts';
import type { SignallingSocket } from './signalling.client.ts';

export interface LivenessWatchOptions {
  readonly selfId: string;
  readonly socket: SignallingSocket;
  /** Whose audio is forwarded now. */
  readonly senders: () => readonly string[];
  /** Nothing comes over the socket, though it was asked for an answer. Called at every look for as long as that lasts. */
  readonly onSocketSilent: () => void;
  /** Audio does not come through any more: ICE is to be restarted. Called again where that does not help, ever more seldom. */
  readonly onPathDead: () => void;
}

const NO_PATHS: LinkPaths = { receive: null, send: null, isDown: false };

/** In a tab that is not seen browsers make it a second, or a minute. */
const LOOK_MS = 200;
/** A socket that is alive answers within the way there and back, and what its server has to do just then. */
const ANSWER_MS = 400;
/** While audio comes, nothing is urgent. */
const CALM_ANSWER_MS = 2_500;

/** Looks after one socket, and the audio that is set up over it, five times a second until it is stopped. */
export class LivenessWatch {
  readonly #options: LivenessWatchOptions;
  readonly #liveness: Liveness;
  readonly #timer: ReturnType<typeof setInterval>;
  /** Where it is the server that is gone, not all of a room come anew in one instant. */
  readonly #patience = 1 + Math.random() / 2;
  readonly #pace = new RestartPace();
  #link: MediaLink | null = null;
  #isLooking = false;
  /** When the socket was asked; null while there is no question. */
  #askedAtMs: number | null = null;

  constructor(options: LivenessWatchOptions) {
    this.#options = options;
    this.#liveness = new Liveness(options.selfId);
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
  }

  onLevels(levels: readonly { readonly participantId: string }[]): void {
    this.#liveness.onLevels(levels, performance.now());
  }

  /** Its audio is this from now on. */
  follow(link: MediaLink): void {
    this.#link = link;
  }

  /** Asks the server for a sign of life, unless that is being waited for. */
  ask(): void {
    if (this.#askedAtMs !== null) return;
    this.#askedAtMs = performance.now();
    this.#options.socket.request('ping', {}).catch(() => undefined);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      this.#judge((await this.#link?.look()) ?? NO_PATHS);
    } catch {
      // Something was closed meanwhile: by the next look the link is another one.
    } finally {
      this.#isLooking = false;
    }
  }

  #judge(paths: LinkPaths): void {
    const { socket, senders, onSocketSilent, onPathDead } = this.#options;
    const forwarded = new Set(senders());
    const nowMs = performance.now();
    const { ask, restart, calm } = this.#liveness.judge({
      ...paths,
      nowMs,
      socketHeardAtMs: socket.heardAtMs,
      socketWaitsSinceMs: socket.waitsSinceMs,
      heard: new Map([...(this.#link?.heardSinceMs ?? [])].filter(([id]) => forwarded.has(id))),
      speaks: this.#link?.producer?.paused === false,
    });
    if (restart && this.#pace.take(nowMs)) onPathDead();
    if (ask) this.ask();
    const roundTripMs = Math.max(paths.receive?.roundTripMs ?? 0, paths.send?.roundTripMs ?? 0);
    if (this.#isUnanswered(calm ? CALM_ANSWER_MS : ANSWER_MS + 2 * roundTripMs, nowMs)) onSocketSilent();
  }

  #isUnanswered(answerMs: number, nowMs: number): boolean {
    if (this.#askedAtMs === null) return false;
    if (this.#options.socket.heardAtMs <= this.#askedAtMs)
      return nowMs - this.#askedAtMs > answerMs * this.#patience;
    this.#askedAtMs = null;
    return false;
  }
}
