import type { MutationResolvers } from '../generated/resolvers.ts';

export const Mutation: MutationResolvers = {
  recordPlays: (_root, { events, anonymousId }, { plays, viewer }) =>
    plays.record(viewer, anonymousId ?? null, events),
};
