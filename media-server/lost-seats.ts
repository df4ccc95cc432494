import type { RemoteSeat } from '#schema/media-mesh.ts';
import { maySpeak } from '#schema/live-role.ts';

interface LostSeat {
  readonly seat: RemoteSeat;
  readonly timer: NodeJS.Timeout;
}

/** Those whose connection broke a moment ago, and who may come back as if nothing had been: to others they are still in the room, and send nothing. */
export class LostSeats {
  readonly #windowMs: number;
  readonly #onOver: (participantId: string) => void;
  readonly #lost = new Map<string, LostSeat>();

  /** `onOver` is told of those who did not come back within `windowMs`. */
  constructor(windowMs: number, onOver: (participantId: string) => void) {
    this.#windowMs = windowMs;
    this.#onOver = onOver;
  }

  get all(): RemoteSeat[] {
    return [...this.#lost.values()].map(({ seat }) => seat);
  }

  find(participantId: string): RemoteSeat | null {
    return this.#lost.get(participantId)?.seat ?? null;
  }

  add({ info, grantExpiresAtMs }: RemoteSeat): void {
    if (this.#windowMs <= 0) return;
    const { participantId } = info;
    this.end(participantId);
    const timer = setTimeout(() => {
      this.#lost.delete(participantId);
      this.#onOver(participantId);
    }, this.#windowMs);
    timer.unref();
    const quality = maySpeak(info.role) ? { quality: 'LOST' as const } : {};
    const seat = { info: { ...info, producers: [], ...quality }, grantExpiresAtMs, lost: true };
    this.#lost.set(participantId, { seat, timer });
  }

  /** Whether they were waited for; they are not any more. */
  end(participantId: string): boolean {
    clearTimeout(this.#lost.get(participantId)?.timer);
    return this.#lost.delete(participantId);
  }

  close(): void {
    for (const participantId of this.#lost.keys()) this.end(participantId);
  }
}
