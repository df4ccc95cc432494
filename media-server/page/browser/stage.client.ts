import { z } from 'zod';
import {
  broadcastAudience,
  recordingShape,
  type BroadcastAudience,
  type LiveState,
  type RoomOverview,
} from './platform-api.client.ts';

/** What the graph tells of a room, and its media server does not. */
export interface Stage {
  readonly state: LiveState;
  /** Participants who ask to speak, the longest waiting first. */
  readonly hands: readonly string[];
  /** Participants who have still to answer an invitation to speak. */
  readonly invited: readonly string[];
  readonly recording: 'STARTING' | 'RECORDING' | null;
  /** Who may listen to the broadcast. */
  readonly audience: BroadcastAudience;
  /** Position in the room's log at which somebody was banned last, or was no more, or behind which that is known. */
  readonly bansAsOf: string;
  /** Position in the room's log behind which events are still to come. */
  readonly cursor: string;
}

const position = { cursor: z.string() };
const ofParticipant = { ...position, participantId: z.string() };

const eventShape = z.discriminatedUnion('__typename', [
  z.object({
    __typename: z.literal('LiveStateChanged'),
    ...position,
    roomState: z.enum(['SCHEDULED', 'LIVE', 'ENDED']),
  }),
  z.object({ __typename: z.literal('HandChanged'), ...ofParticipant, raised: z.boolean() }),
  z.object({ __typename: z.literal('InvitationChanged'), ...ofParticipant, invitation: z.string() }),
  z.object({ __typename: z.literal('ParticipantLeft'), ...ofParticipant, leaveReason: z.string() }),
  z.object({ __typename: z.literal('ParticipantUnbanned'), ...position }),
  z.object({ __typename: z.literal('RecordingChanged'), ...position, recording: recordingShape }),
  z.object({
    __typename: z.literal('BroadcastAudienceChanged'),
    ...position,
    audience: broadcastAudience,
  }),
  z.object({ __typename: z.literal('ParticipantJoined'), ...position }),
  z.object({ __typename: z.literal('ParticipantChanged'), ...position }),
  z.object({ __typename: z.literal('ListenersChanged'), ...position }),
]);

export const STAGE_EVENTS = `subscription LiveStage($id: ID!, $after: EventCursor) {
  liveRoomEvents(liveRoomId: $id, after: $after) {
    cursor
    ... on LiveStateChanged { roomState: state }
    ... on HandChanged { participantId raised }
    ... on InvitationChanged { participantId invitation: state }
    ... on ParticipantLeft { participantId leaveReason }
    ... on RecordingChanged { recording { id state } }
    ... on BroadcastAudienceChanged { audience }
    ... on LiveResyncRequired { reason }
  }
}`;

/** Whose hands are up and who is invited, of the hundred who have been there longest. */
export function stageOf(room: RoomOverview): Stage {
  const { state, raisedHands, participants, recording, broadcastAudience: audience, eventCursor } = room;
  return {
    state,
    hands: raisedHands.map(({ id }) => id),
    invited: participants.nodes.filter(({ invitedAt }) => invitedAt).map(({ id }) => id),
    recording: recordingState(recording?.state),
    audience,
    bansAsOf: eventCursor,
    cursor: eventCursor,
  };
}

/** The stage after an event, or null where it has to be loaded anew. An event that was read already changes nothing. */
export function stageAfter(stage: Stage, received: unknown): Stage | null {
  const { success, data: event } = eventShape.safeParse(received);
  if (!success) return null;
  const { cursor } = event;
  const { hands, invited } = stage;
  switch (event.__typename) {
    case 'LiveStateChanged':
      return { ...stage, cursor, state: event.roomState };
    case 'HandChanged':
      return { ...stage, cursor, hands: (event.raised ? withOne : without)(hands, event.participantId) };
    case 'InvitationChanged': {
      const change = event.invitation === 'INVITED' ? withOne : without;
      return { ...stage, cursor, invited: change(invited, event.participantId) };
    }
    case 'ParticipantLeft': {
      const { participantId: id, leaveReason } = event;
      const bansAsOf = leaveReason === 'BANNED' ? cursor : stage.bansAsOf;
      return { ...stage, cursor, bansAsOf, hands: without(hands, id), invited: without(invited, id) };
    }
    case 'ParticipantUnbanned':
      return { ...stage, cursor, bansAsOf: cursor };
    case 'RecordingChanged':
      return { ...stage, cursor, recording: recordingState(event.recording.state) };
    case 'BroadcastAudienceChanged':
      return { ...stage, cursor, audience: event.audience };
    default:
      return { ...stage, cursor };
  }
}

const recordingState = (state: string | undefined): Stage['recording'] =>
  state === 'STARTING' || state === 'RECORDING' ? state : null;

const without = (ids: readonly string[], id: string): readonly string[] => ids.filter((one) => one !== id);

const withOne = (ids: readonly string[], id: string): readonly string[] =>
  ids.includes(id) ? ids : [...ids, id];
