import { z } from 'zod';

const visitShape = z.object({
  resumeKey: z.string(),
  /** When the page was closed or loaded again, by the clock of the computer. */
  suspendedAtMs: z.number().nullable(),
  microphone: z.enum(['on', 'off']),
});
type VisitData = z.infer<typeof visitShape>;

/** As long as the platform keeps a lost connection for whoever comes back. */
const RESUMABLE_MS = 30_000;

/** What has to outlive the page for a reload to go on with the same visit. It lives in sessionStorage, as the tab does. */
export class Visit {
  readonly #key: string;

  constructor(liveRoomId: string) {
    this.#key = `veza.live.${liveRoomId}`;
  }

  /** From the last join; null before the first and after a visitor has left. */
  get resumeKey(): string | null {
    return this.#read()?.resumeKey ?? null;
  }

  joined(resumeKey: string): void {
    this.#write({ microphone: 'off', ...this.#read(), resumeKey, suspendedAtMs: null });
  }

  /** The page goes away; whether for good nobody knows. */
  suspend(microphone: 'on' | 'off'): void {
    const visit = this.#read();
    if (visit) this.#write({ ...visit, microphone, suspendedAtMs: Date.now() });
  }

  /** How the microphone was when the page went away, if that is so short a time ago that the visit goes on; otherwise null. */
  resumable(): { readonly microphone: 'on' | 'off' } | null {
    const visit = this.#read();
    if (!visit || visit.suspendedAtMs === null) return null;
    return Date.now() - visit.suspendedAtMs < RESUMABLE_MS ? visit : null;
  }

  end(): void {
    sessionStorage.removeItem(this.#key);
  }

  #read(): VisitData | null {
    const { success, data } = visitShape.safeParse(JSON.parse(sessionStorage.getItem(this.#key) ?? 'null'));
    return success ? data : null;
  }

  #write(visit: VisitData): void {
    sessionStorage.setItem(this.#key, JSON.stringify(visit));
  }
}
