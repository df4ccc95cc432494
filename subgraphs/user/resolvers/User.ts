import { FILE_URL_TTL_MS } from '#platform/files/file-store.ts';
import type { UserResolvers } from '../generated/resolvers.ts';

export const User: UserResolvers = {
  __resolveReference: (reference, { directory }) =>
    'id' in reference
      ? directory.usersById.load(reference.id)
      : directory.usersByHandle.load(reference.handle),
  avatarUrl: ({ avatarKey }, _args, { files }) =>
    avatarKey ? files.urlOf(avatarKey, FILE_URL_TTL_MS) : null,
  links: ({ links }) => [...links],
  followers: ({ id }, args, { directory }) => directory.related('followers', id, args),
  following: ({ id }, args, { directory }) => directory.related('following', id, args),
  viewerFollows: async ({ id }, _args, { directory }) => (await directory.relationTo(id))?.follows ?? false,
  viewerHasBlocked: async ({ id }, _args, { directory }) =>
    (await directory.relationTo(id))?.blocked ?? false,
};
