import type { MutationResolvers } from '../generated/resolvers.ts';

export const Mutation: MutationResolvers = {
  recordPlays: (_root, { events, anonymousId = null }, { plays, viewer, client }) =>
    plays.record({ viewer, anonymousId, ipAddress: client.ipAddress }, events),
};
