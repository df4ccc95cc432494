import type { SubscriptionResolvers } from '../generated/resolvers.ts';

export const Subscription: SubscriptionResolvers = {
  liveCounter: {
    subscribe: (_root, { subjectId, metric }, { liveCounters, poll }) =>
      liveCounters.watch(metric, subjectId, poll),
  },
};
