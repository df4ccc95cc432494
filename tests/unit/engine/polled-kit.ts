import assert from 'node:assert/strict';
import type { FormattedExecutionResult } from 'graphql';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { POLL_EXTENSION, pollRequest, type PollRequest } from '#platform/polling/poll-protocol.ts';
import { isResultStream, type ResultStream } from '#platform/subgraph-endpoint.ts';
import {
  createPolledSubscriptions,
  type PolledSubscriptionsOptions,
} from '../../../gateway/engine/client/event-driven/polled-subscriptions.ts';
import { subgraphOperation, type SubgraphFetch } from '../../../gateway/engine/client/subgraph-client.ts';
import { createProbe, silentLog } from '../../support/events.ts';
import { TEST_SECRET } from '../../support/subgraphs.ts';

type Answer = Record<string, unknown>;
type Answering = (poll: PollRequest, request: SubgraphFetch) => Promise<FormattedExecutionResult>;

export const TOPIC = 'room:1';
export const event = (n: number) => ({ data: { n } });
export const answer = (fields: Answer = {}): FormattedExecutionResult => ({
  data: null,
  extensions: {
    [POLL_EXTENSION]: { results: [], topics: [TOPIC], position: 0, isMore: false, isOver: false, ...fields },
  },
});
export const refusal = (code: string) => ({ errors: [{ message: 'No.', extensions: { code } }] });

/** A memory bus that tells who listens. */
export function watchedBus(): LiveBus & { readonly listening: ReadonlySet<string> } {
  const bus = memoryLiveBus();
  const listening = new Set<string>();
  return {
    ...bus,
    listening,
    async subscribe(topic) {
      const subscription = await bus.subscribe(topic);
      listening.add(topic);
      const end = subscription.return.bind(subscription);
      subscription.return = () => {
        listening.delete(topic);
        return end();
      };
      return subscription;
    },
  };
}

/** A subgraph that answers polls as a test says; the last way of answering stays. */
export function polled(first: Answering, options: Partial<PolledSubscriptionsOptions> = {}) {
  let answering = first;
  const polls = createProbe<PollRequest>();
  const requests: SubgraphFetch[] = [];
  const liveBus = watchedBus();
  const subscriptions = createPolledSubscriptions({
    name: 'chat',
    client: {
      fetch: (request) => {
        requests.push(request);
        const poll = pollRequest.parse(request.extensions?.[POLL_EXTENSION]);
        const answered = answering(poll, request);
        polls.add(poll);
        return answered;
      },
    },
    liveBus,
    secret: TEST_SECRET,
    pollMs: 60_000,
    maxConcurrent: 4,
    present: (result) => result,
    log: silentLog,
    ...options,
  });
  const subscribe = (extra: Partial<SubgraphFetch> = {}) =>
    subscriptions.subscribe({
      operation: subgraphOperation('subscription { n }', undefined, 'subscription'),
      variables: {},
      representations: null,
      headers: {},
      signal: new AbortController().signal,
      ...extra,
    });
  return {
    polls,
    requests,
    liveBus,
    close: subscriptions.close,
    subscribe,
    open: async (extra: Partial<SubgraphFetch> = {}) => live(await subscribe(extra)),
    answer: (next: Answering) => void (answering = next),
  };
}

function live(opened: ResultStream | FormattedExecutionResult): ResultStream {
  assert.ok(isResultStream(opened), JSON.stringify(opened));
  return opened;
}
