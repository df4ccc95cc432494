import { z } from 'zod';
import type { RealtimeClient, RealtimeSubscription } from '../../../clients/realtime/realtime-client.ts';
import { make, makeButton, requireElement, setText } from './elements.client.ts';

const SHOWN = {
  APPLAUSE: { sign: '👏', name: 'Applause' },
  HEART: { sign: '❤️', name: 'Heart' },
  FIRE: { sign: '🔥', name: 'Fire' },
  LAUGH: { sign: '😂', name: 'Laughter' },
  WOW: { sign: '😮', name: 'Wow' },
  MUSIC: { sign: '🎶', name: 'Music' },
} as const;
export type Reaction = keyof typeof SHOWN;
const isReaction = (name: string): name is Reaction => Object.hasOwn(SHOWN, name);

const report = z.object({
  liveReactions: z.object({ counts: z.array(z.object({ reaction: z.string(), count: z.number() })) }),
});

const FOLLOW = `subscription LiveReactions($id: ID!) {
  liveReactions(liveRoomId: $id) { counts { reaction count } }
}`;

/** The platform takes four a second. */
const GAP_MS = 300;
/** A count is shown for as long after the last of its kind. */
const SHOWN_MS = 4_000;
/** Screen readers say what has come since they said it last. */
const SAID_EVERY_MS = 5_000;

const group = requireElement('reactions', HTMLDivElement);
const said = requireElement('reactions-said', HTMLParagraphElement);

type Timer = ReturnType<typeof setTimeout> | undefined;

interface Shown {
  readonly button: HTMLButtonElement;
  readonly count: HTMLSpanElement;
  total: number;
  timer: Timer;
}

/** Buttons to react with, each with how often everybody has pressed it within the last moments. */
export class Reactions {
  readonly #shown = new Map<Reaction, Shown>();
  readonly #unsaid = new Map<Reaction, number>();
  #saying: Timer;
  #reactedAtMs = Number.NEGATIVE_INFINITY;
  #subscription: RealtimeSubscription<Record<string, unknown>> | null = null;

  constructor(react: (reaction: Reaction) => unknown) {
    const onClick = (reaction: Reaction) => {
      const nowMs = performance.now();
      if (nowMs - this.#reactedAtMs < GAP_MS) return;
      this.#reactedAtMs = nowMs;
      react(reaction);
    };
    for (const reaction of Object.keys(SHOWN).filter(isReaction)) {
      const { sign, name } = SHOWN[reaction];
      const button = makeButton(sign, () => onClick(reaction));
      const count = make('span', 'count');
      button.ariaLabel = name;
      button.append(count);
      group.append(button);
      this.#shown.set(reaction, { button, count, total: 0, timer: undefined });
    }
  }

  /** Shows what people in the room say, until `stop`. Where that cannot be had, nothing is shown: it is only a garnish. */
  async follow(realtime: RealtimeClient, liveRoomId: string): Promise<void> {
    this.stop();
    const subscription = realtime.subscribe(FOLLOW, { id: liveRoomId });
    this.#subscription = subscription;
    try {
      for await (const { data } of subscription) {
        const { success, data: told } = report.safeParse(data);
        for (const { reaction, count } of success ? told.liveReactions.counts : [])
          if (isReaction(reaction)) this.#add(reaction, count);
      }
    } catch {
      // The room's own log, which is followed too, tells what is the matter.
    }
  }

  stop(): void {
    void this.#subscription?.return();
    this.#subscription = null;
    for (const reaction of this.#shown.keys()) this.#show(reaction, 0);
  }

  #add(reaction: Reaction, count: number): void {
    this.#show(reaction, (this.#shown.get(reaction)?.total ?? 0) + count);
    this.#unsaid.set(reaction, (this.#unsaid.get(reaction) ?? 0) + count);
    if (this.#saying === undefined) this.#saying = setTimeout(() => this.#say(), SAID_EVERY_MS);
  }

  #show(reaction: Reaction, total: number): void {
    const shown = this.#shown.get(reaction);
    if (!shown) return;
    clearTimeout(shown.timer);
    shown.total = total;
    shown.timer = total === 0 ? undefined : setTimeout(() => this.#show(reaction, 0), SHOWN_MS);
    setText(shown.count, total === 0 ? '' : String(total));
    shown.button.dataset.lively = String(total > 0);
  }

  #say(): void {
    this.#saying = undefined;
    const words = [...this.#unsaid].map(([reaction, count]) => `${count} × ${SHOWN[reaction].name}`);
    setText(said, `Reactions: ${words.join(', ')}`);
    this.#unsaid.clear();
  }
}
