import { requireViewer } from '#platform/auth-directive.ts';
import { toPayload, toResult } from '#platform/payload.ts';
import type { Context } from '../context.ts';
import type { MutationResolvers } from '../generated/resolvers.ts';

export const Mutation: MutationResolvers = {
  register: (_root, { input }, { accounts, client }) =>
    toPayload(async () => ({ tokens: await accounts.register(input, client) })),
  login: (_root, { input }, { accounts, client }) => toResult(() => accounts.login(input, client)),
  refreshTokens: (_root, { refreshToken }, { sessions }) => toResult(() => sessions.refresh(refreshToken)),

  logout: (_root, _args, context) =>
    toPayload(async () => ({ sessionId: await context.sessions.logout(requireViewer(context)) })),
  revokeSession: (_root, { id }, context) =>
    viewerAfter(context, (viewer) => context.sessions.revoke(viewer, id)),
  revokeOtherSessions: (_root, _args, context) => viewerAfter(context, context.sessions.revokeOthers),
  changePassword: (_root, { currentPassword, newPassword }, context) =>
    viewerAfter(context, (viewer) => context.accounts.changePassword(viewer, currentPassword, newPassword)),

  updateProfile: (_root, { input }, context) =>
    toPayload(async () => ({ user: await context.profiles.update(requireViewer(context), input) })),
  updateAvatar: (_root, { file }, context) =>
    toPayload(async () => ({ user: await context.profiles.updateAvatar(requireViewer(context), file) })),
  setUserRoles: (_root, { userId, roles }, context) =>
    toPayload(async () => ({ user: await context.profiles.setRoles(requireViewer(context), userId, roles) })),

  followUser: (_root, { userId }, context) => related(context, context.relations.follow, userId),
  unfollowUser: (_root, { userId }, context) => related(context, context.relations.unfollow, userId),
  blockUser: (_root, { userId }, context) => related(context, context.relations.block, userId),
  unblockUser: (_root, { userId }, context) => related(context, context.relations.unblock, userId),
};

const viewerAfter = (context: Context, run: (viewer: ReturnType<typeof requireViewer>) => Promise<unknown>) =>
  toPayload(async () => {
    const viewer = requireViewer(context);
    await run(viewer);
    return { viewer: await context.directory.usersById.load(viewer.userId) };
  });

const related = (context: Context, change: Context['relations']['follow'], userId: string) =>
  toPayload(async () => ({ user: await change(requireViewer(context), userId) }));
