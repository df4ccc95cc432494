import type { SessionResolvers, TokenPairResolvers, ViewerResolvers } from '../generated/resolvers.ts';

export const Viewer: ViewerResolvers = {
  // Another subgraph may hand an account's id over; only its owner gets the account.
  __resolveReference: ({ id }, { directory, viewer }) =>
    viewer?.userId === id ? directory.usersById.load(id) : null,
  user: (user) => user,
  roles: ({ roles }) => [...roles],
  sessions: ({ id }, args, { directory }) => directory.sessionsOf(id, args),
  blockedUsers: ({ id }, args, { directory }) => directory.related('blocked', id, args),
};

export const Session: SessionResolvers = {
  __resolveReference: async ({ id }, { directory, viewer }) => {
    const session = await directory.sessionsById.load(id);
    return session && session.userId === viewer?.userId ? session : null;
  },
  current: ({ id }, _args, { viewer }) => viewer?.sessionId === id,
};

export const TokenPair: TokenPairResolvers = {
  viewer: ({ user }) => user,
};
