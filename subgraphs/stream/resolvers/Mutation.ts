import { requireViewer } from '#platform/auth-directive.ts';
import { toPayload, toResult } from '#platform/payload.ts';
import type { Viewer } from '#platform/viewer.ts';
import type { Context } from '../context.ts';
import type { MutationResolvers } from '../generated/resolvers.ts';

type Change<T> = (viewer: Viewer) => Promise<T>;

/** Runs a change for the viewer; what is read after it is read anew. */
async function act<T>(context: Context, change: Change<T>): Promise<T> {
  const result = await change(requireViewer(context));
  context.forget();
  return result;
}

const track = (context: Context, change: Change<Awaited<ReturnType<Context['tracks']['like']>>>) =>
  toPayload(async () => ({ track: await act(context, change) }));

const liveRoom = (context: Context, change: Change<Awaited<ReturnType<Context['liveRooms']['start']>>>) =>
  toPayload(async () => ({ liveRoom: await act(context, change) }));

const participant = (context: Context, change: Change<Awaited<ReturnType<Context['floor']['raiseHand']>>>) =>
  toPayload(async () => ({ participant: await act(context, change) }));

const recording = (context: Context, change: Change<Awaited<ReturnType<Context['recordings']['stop']>>>) =>
  toPayload(async () => ({ recording: await act(context, change) }));

export const Mutation: MutationResolvers = {
  uploadTrack: (_root, { input }, context) =>
    track(context, (viewer) => context.tracks.upload(viewer, input)),
  updateTrack: (_root, { id, input, expectedVersion }, context) =>
    track(context, (viewer) => context.tracks.update(viewer, id, input, expectedVersion)),
  deleteTrack: (_root, { id }, context) =>
    toPayload(async () => ({ trackId: await act(context, (viewer) => context.tracks.delete(viewer, id)) })),
  likeTrack: (_root, { id }, context) => track(context, (viewer) => context.tracks.like(viewer, id)),
  unlikeTrack: (_root, { id }, context) => track(context, (viewer) => context.tracks.unlike(viewer, id)),

  commentOnTrack: (_root, { trackId, body, atMs }, context) =>
    toPayload(async () => ({
      comment: await act(context, (viewer) => context.comments.write(viewer, trackId, body, atMs ?? null)),
    })),
  deleteComment: (_root, { id }, context) =>
    toPayload(() => act(context, (viewer) => context.comments.delete(viewer, id))),

  createLiveRoom: (_root, { input }, context) =>
    liveRoom(context, (viewer) => context.liveRooms.create(viewer, input)),
  startLiveRoom: (_root, { id }, context) =>
    liveRoom(context, (viewer) => context.liveRooms.start(viewer, id)),
  endLiveRoom: (_root, { id }, context) => liveRoom(context, (viewer) => context.liveRooms.end(viewer, id)),
  setBroadcastAudience: (_root, { liveRoomId, audience }, context) =>
    liveRoom(context, (viewer) => context.liveRooms.openBroadcastTo(viewer, liveRoomId, audience)),
  joinLiveRoom: (_root, { id, resumeKey }, context) =>
    toResult(() => act(context, (viewer) => context.joining.join(viewer, id, resumeKey ?? null))),
  leaveLiveRoom: (_root, { id }, context) => liveRoom(context, (viewer) => context.joining.leave(viewer, id)),

  raiseHand: (_root, { liveRoomId }, context) =>
    participant(context, (viewer) => context.floor.raiseHand(viewer, liveRoomId)),
  lowerHand: (_root, { liveRoomId, participantId }, context) =>
    participant(context, (viewer) => context.floor.lowerHand(viewer, liveRoomId, participantId ?? null)),
  setLiveRole: (_root, { liveRoomId, participantId, role }, context) =>
    participant(context, (viewer) => context.floor.setRole(viewer, liveRoomId, participantId, role)),
  muteParticipant: (_root, { liveRoomId, participantId, muted }, context) =>
    participant(context, (viewer) => context.floor.mute(viewer, liveRoomId, participantId, muted)),
  muteAll: (_root, { liveRoomId }, context) =>
    liveRoom(context, (viewer) => context.floor.muteAll(viewer, liveRoomId)),
  inviteToSpeak: (_root, { liveRoomId, participantId }, context) =>
    participant(context, (viewer) => context.floor.invite(viewer, liveRoomId, participantId)),
  answerInvitation: (_root, { liveRoomId, accept }, context) =>
    participant(context, (viewer) => context.floor.answerInvitation(viewer, liveRoomId, accept)),
  removeParticipant: (_root, { liveRoomId, participantId, ban }, context) =>
    participant(context, (viewer) => context.floor.remove(viewer, liveRoomId, participantId, ban)),
  unbanParticipant: (_root, { liveRoomId, participantId }, context) =>
    participant(context, (viewer) => context.floor.unban(viewer, liveRoomId, participantId)),

  reactInLiveRoom: (_root, { liveRoomId, reaction }, context) =>
    toPayload(async () => ({
      reaction: await act(context, (viewer) => context.liveReactions.react(viewer, liveRoomId, reaction)),
    })),

  startRecording: (_root, { liveRoomId, mode }, context) =>
    recording(context, (viewer) => context.recordings.start(viewer, liveRoomId, mode)),
  stopRecording: (_root, { liveRoomId }, context) =>
    recording(context, (viewer) => context.recordings.stop(viewer, liveRoomId)),
  publishRecording: (_root, { recordingId, input }, context) =>
    track(context, (viewer) => context.publishing.publish(viewer, recordingId, input)),
};
