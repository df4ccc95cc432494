import { invalid, Refusal } from '#platform/errors.ts';
import { MAX_PAGE_SIZE } from '#platform/paging.ts';
import type { QueryResolvers } from '../generated/resolvers.ts';
import { normaliseHandle } from '../domain/user.ts';

export const Query: QueryResolvers = {
  viewer: (_root, _args, { viewer, directory }) => (viewer ? directory.usersById.load(viewer.userId) : null),

  user: (_root, { id, handle }, { directory }) => {
    if (id != null && handle == null) return directory.usersById.load(id);
    if (handle != null && id == null) return directory.usersByHandle.load(normaliseHandle(handle));
    throw new Refusal(invalid('id', 'ONE_OF', 'Give either id or handle.'));
  },

  users: async (_root, { ids }, { directory }) => {
    if (ids.length > MAX_PAGE_SIZE)
      throw new Refusal(invalid('ids', 'TOO_MANY', `At most ${MAX_PAGE_SIZE} ids.`));
    return Promise.all(ids.map((id) => directory.usersById.load(id)));
  },
};
