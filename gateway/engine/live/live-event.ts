import type { FormattedExecutionResult } from 'graphql';

export type Present = (result: FormattedExecutionResult) => FormattedExecutionResult;

const positions = new WeakMap<FormattedExecutionResult, string>();

/** Where a subscriber stands behind the event of this result; null where that is not known. */
export const positionBehind = (result: FormattedExecutionResult): string | null =>
  positions.get(result) ?? null;

/** One event of a subscription as all get it who asked the same. Nobody changes it. */
export class LiveEvent {
  readonly result: FormattedExecutionResult;
  /** Where a subscriber stands behind it; null where the subscription has no log, or the event came without its data. */
  readonly cursor: string | null;
  /** In errors of the result. */
  readonly correlationId: string | undefined;
  readonly #inPlaceOfMissed: () => FormattedExecutionResult | null;
  #text: Buffer | undefined;

  constructor(
    result: FormattedExecutionResult,
    cursor: string | null = null,
    correlationId?: string,
    inPlaceOfMissed: () => FormattedExecutionResult | null = () => null,
  ) {
    this.result = result;
    this.cursor = cursor;
    this.correlationId = correlationId;
    this.#inPlaceOfMissed = inPlaceOfMissed;
    if (cursor !== null) positions.set(result, cursor);
  }

  /** The result as JSON in UTF-8, written once: all callers present it the same way. Nobody changes it. */
  bytesAs(present: Present): Buffer {
    return (this.#text ??= Buffer.from(JSON.stringify(present(this.result))));
  }

  /** How much it weighs where it is kept: size of its text. */
  get bytes(): number {
    return (this.#text ?? JSON.stringify(this.result)).length;
  }

  /** The same event, saying something else. */
  saying(result: FormattedExecutionResult): LiveEvent {
    return new LiveEvent(result, this.cursor, this.correlationId, this.#inPlaceOfMissed);
  }

  /**
   * What a subscriber gets in place of this event and of those before it which it could not take: that they are missing, by the words of its
   * own subscription. Null where the schema has no words for it.
   */
  noticeOfMissed(): LiveEvent | null {
    const notice = this.#inPlaceOfMissed();
    return notice && new LiveEvent(notice, this.cursor, this.correlationId);
  }
}
