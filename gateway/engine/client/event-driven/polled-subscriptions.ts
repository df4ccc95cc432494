import { CodedError } from '#platform/errors.ts';
import type { SubgraphClient } from '../subgraph-client.ts';
import { Gate } from './gate.ts';
import { PolledSubscription, type PollingOptions } from './polled-subscription.ts';

export interface PolledSubscriptionsOptions extends Omit<PollingOptions, 'gate' | 'giveUpMs'> {
  /** Polls at the same time; the others wait. */
  readonly maxConcurrent: number;
  readonly giveUpMs?: number;
}

const GIVE_UP_MS = 60_000;

/**
 * Subscriptions that hold no connection to their subgraph, and nothing in it: see #platform/polling/poll-protocol.ts. The live bus stays the
 * caller's.
 */
export function createPolledSubscriptions(
  options: PolledSubscriptionsOptions,
): Pick<SubgraphClient, 'subscribe' | 'close'> {
  const { maxConcurrent, giveUpMs = GIVE_UP_MS } = options;
  const polling = { ...options, giveUpMs, gate: new Gate(maxConcurrent) };
  const open = new Set<PolledSubscription>();
  return {
    async subscribe(request) {
      if (request.signal.aborted) throw new CodedError('SUBGRAPH_UNAVAILABLE', 'The caller is gone.');
      const subscription: PolledSubscription = new PolledSubscription(request, polling, () =>
        open.delete(subscription),
      );
      open.add(subscription);
      return subscription.open();
    },
    async close() {
      for (const subscription of open) subscription.end();
    },
  };
}
