import { encodeCursor } from '#platform/events/cursor.ts';
import type { Context } from '../context.ts';
import type {
  HandChangedResolvers,
  IceServerResolvers,
  LiveParticipantResolvers,
  LiveRoomResolvers,
  ParticipantChangedResolvers,
  ParticipantJoinedResolvers,
} from '../generated/resolvers.ts';
import { acceptSearch } from '../domain/people-search.ts';
import type { ParticipantEvent } from '../service/live-events.ts';

export const LiveRoom: LiveRoomResolvers = {
  __resolveReference: ({ id }, { stage }) => stage.roomsById.load(id),
  host: ({ hostId }) => ({ id: hostId }),
  chatRoom: ({ chatRoomId }) => (chatRoomId === null ? null : { id: chatRoomId }),
  listenerCount: ({ id }, _args, { stage }) => stage.listenerCount(id),
  speakers: async ({ id }, _args, { stage }) => [...(await stage.speakers(id))],
  participants: ({ id }, { role, search, ...args }, { stage }) =>
    stage.participants(id, { role: role ?? null, name: acceptSearch(search) }, args),
  bannedParticipants: ({ id }, { search, ...args }, { stage }) =>
    stage.bannedParticipants(id, acceptSearch(search), args),
  raisedHands: async ({ id }, _args, { stage }) => [...(await stage.hands(id))],
  viewerParticipant: ({ id }, _args, { stage }) => stage.viewerParticipant(id),
  broadcastUrl: (room, _args, { broadcasts, viewer }) => broadcasts.urlOf(room, viewer?.userId ?? null),
  recording: ({ id }, _args, { recorded }) => recorded.active.load(id),
  recordings: async ({ id }, _args, { recorded }) => [...(await recorded.ofRoom(id))],
  eventCursor: ({ logEpoch, logSeq }) => encodeCursor({ epoch: logEpoch, seq: logSeq }),
};

export const LiveParticipant: LiveParticipantResolvers = {
  user: ({ userId }) => ({ id: userId }),
  connected: ({ status }) => status === 'CONNECTED',
  handPosition: ({ id, handRaisedAt }, _args, { stage }) =>
    handRaisedAt === null ? null : stage.handPlace(id),
  connection: ({ id, status }, _args, { connections }) =>
    status === 'CONNECTED' ? connections.find(id) : null,
};

export const IceServer: IceServerResolvers = {
  urls: ({ urls }) => [...urls],
};

// An event is written in one transaction with its participant, and participants are never deleted.
const participantOf = async ({ participantId }: ParticipantEvent, _args: object, { stage }: Context) =>
  (await stage.participantsById.load(participantId))!;

export const ParticipantJoined: ParticipantJoinedResolvers = { participant: participantOf };
export const ParticipantChanged: ParticipantChangedResolvers = { participant: participantOf };

export const HandChanged: HandChangedResolvers = {
  position: ({ participantId, raised }, _args, { stage }) => (raised ? stage.handPlace(participantId) : null),
};
