import { invalid, Refusal } from '#platform/errors.ts';
import { MAX_PAGE_SIZE } from '#platform/paging.ts';
import { GENRES } from '../domain/genre.ts';
import type { QueryResolvers } from '../generated/resolvers.ts';

export const Query: QueryResolvers = {
  track: (_root, { id }, { catalog }) => catalog.tracksById.load(id),
  tracks: (_root, { ids }, { catalog }) => {
    if (ids.length > MAX_PAGE_SIZE)
      throw new Refusal(invalid('ids', 'TOO_MANY', `At most ${MAX_PAGE_SIZE} ids.`));
    return Promise.all(ids.map((id) => catalog.tracksById.load(id)));
  },
  genres: () => [...GENRES],
  liveRoom: (_root, { id }, { stage }) => stage.roomsById.load(id),
  liveRooms: (_root, { state, ...args }, { stage }) => stage.rooms(state ?? 'LIVE', args),
};
