import type { FormattedExecutionResult } from 'graphql';
import type { LiveEvent } from './live-event.ts';

/** Who gets the events of a subscription. Must not throw. */
export interface Subscriber {
  /** In order. May come before `follow` has resolved. */
  next(event: LiveEvent): void;
  /**
   * Null while it can take more. Those whose events it shares are not held up by it for long: what it cannot take then, it must do without, and
   * tell by `LiveEvent.noticeOfMissed`.
   */
  busy(): Promise<void> | null;
  /** Nothing comes any more; `last` says why, unless the subscription is complete. Not called after `stop`. */
  end(last: FormattedExecutionResult | null): void;
}

export interface Following {
  /** Lets the subscription go. */
  stop(): void;
}

export function isFollowing(value: Following | FormattedExecutionResult): value is Following {
  return 'stop' in value;
}
