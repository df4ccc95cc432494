import type { RoomResolvers, UserResolvers } from '../generated/resolvers.ts';

export const User: UserResolvers = {
  tracks: ({ id }, args, { catalog }) => catalog.tracksOf(id, args),
  likedTracks: ({ id }, args, { catalog }) => catalog.likedBy(id, args),
  liveRoom: ({ id }, _args, { stage }) => stage.liveRoomsByHost.load(id),
};

export const Room: RoomResolvers = {
  live: ({ id }, _args, { stage }) => stage.liveRoomsByChatRoom.load(id),
};
