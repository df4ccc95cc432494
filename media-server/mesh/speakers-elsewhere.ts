import type { LiveBus, LiveSubscription } from '#platform/events/ports.ts';
import type { Log } from '#platform/log.ts';
import { speakersReport, speakersTopic, type SpeakersReport } from '#schema/media-bus.ts';

/** Levels of a room as another server measures them. */
export class SpeakersElsewhere {
  readonly #options: { readonly liveRoomId: string; readonly liveBus: LiveBus; readonly log: Log };
  readonly #onReport: (report: SpeakersReport) => void;
  #subscription: LiveSubscription | null = null;
  /** Of the subscription that counts; null while none does. */
  #turn: object | null = null;

  constructor(
    options: { readonly liveRoomId: string; readonly liveBus: LiveBus; readonly log: Log },
    onReport: (report: SpeakersReport) => void,
  ) {
    this.#options = options;
    this.#onReport = onReport;
  }

  /** Hears reports from now on, or none any more. */
  follow(isWanted: boolean): void {
    if (isWanted === (this.#turn !== null)) return;
    this.#turn = isWanted ? {} : null;
    if (this.#turn) void this.#hear(this.#turn);
    else void this.#subscription?.return();
  }

  async #hear(turn: object): Promise<void> {
    const { liveRoomId, liveBus, log } = this.#options;
    try {
      const subscription = await liveBus.subscribe(speakersTopic(liveRoomId));
      if (this.#turn !== turn) return void (await subscription.return());
      this.#subscription = subscription;
      for await (const message of subscription) {
        const report = speakersReport.safeParse(message);
        if (report.success && this.#turn === turn) this.#onReport(report.data);
      }
    } catch (error) {
      log.warn({ err: error }, 'levels of the room are not heard');
    }
  }
}
