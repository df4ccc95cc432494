import { MAX_LIVE_ROOM_PEOPLE } from '#schema/media-bus.ts';
import { conflict, forbidden, invalid, Refusal, refuseIfAny, type UserErrorData } from '#platform/errors.ts';
import { checkOptionalText, checkRange, checkText } from '#platform/rules.ts';

export type LiveState = 'SCHEDULED' | 'LIVE' | 'ENDED';

/** Who may listen to the broadcast, of those who may see the room. */
export type BroadcastAudience = 'ANYONE' | 'SIGNED_IN';

export interface LiveRoom {
  readonly id: string;
  readonly hostId: string;
  readonly title: string;
  readonly topic: string | null;
  /** Chat room that goes with it. */
  readonly chatRoomId: string | null;
  readonly state: LiveState;
  readonly scheduledFor: Date | null;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  /** People who fit in, the host included. */
  readonly capacity: number;
  /** People who may speak at once, the host included. */
  readonly maxSpeakers: number;
  /** Stereo at a high bitrate. */
  readonly musicMode: boolean;
  readonly broadcastAudience: BroadcastAudience;
}

export type LiveRoomPlan = Pick<
  LiveRoom,
  | 'title'
  | 'topic'
  | 'chatRoomId'
  | 'scheduledFor'
  | 'capacity'
  | 'maxSpeakers'
  | 'musicMode'
  | 'broadcastAudience'
>;

export interface LiveRoomInput {
  readonly title: string;
  readonly topic?: string | null;
  readonly chatRoomId?: string | null;
  readonly scheduledFor?: Date | null;
  readonly capacity?: number | null;
  readonly maxSpeakers?: number | null;
  readonly musicMode?: boolean | null;
  readonly broadcastAudience?: BroadcastAudience | null;
}

const MAX_TITLE_CHARS = 100;
const MAX_TOPIC_CHARS = 500;
const DEFAULT_CAPACITY = 200;
const DEFAULT_MAX_SPEAKERS = 20;
const MOST_SPEAKERS = 50;
const MAX_AHEAD_MS = 366 * 24 * 3_600_000;
// A start time that the clock passed while the form was being filled in is no mistake.
const PAST_GRACE_MS = 5 * 60_000;

/** A new room's plan with defaults filled in. Refuses with every broken rule at once. */
export function acceptLiveRoom(input: LiveRoomInput, now: Date): LiveRoomPlan {
  const { title, topic, chatRoomId = null, scheduledFor = null } = input;
  const capacity = input.capacity ?? DEFAULT_CAPACITY;
  const maxSpeakers = input.maxSpeakers ?? DEFAULT_MAX_SPEAKERS;
  refuseIfAny([
    ...checkText('input.title', title, { minChars: 1, maxChars: MAX_TITLE_CHARS }),
    ...checkOptionalText('input.topic', topic, { maxChars: MAX_TOPIC_CHARS }),
    ...checkSchedule(scheduledFor, now),
    ...checkRange('input.capacity', capacity, 2, MAX_LIVE_ROOM_PEOPLE),
    ...checkRange('input.maxSpeakers', maxSpeakers, 1, MOST_SPEAKERS),
  ]);
  return {
    title: title.trim(),
    topic: topic?.trim() || null,
    chatRoomId,
    scheduledFor,
    capacity,
    maxSpeakers,
    musicMode: input.musicMode ?? false,
    broadcastAudience: input.broadcastAudience ?? 'ANYONE',
  };
}

function checkSchedule(scheduledFor: Date | null, now: Date): UserErrorData[] {
  if (scheduledFor === null) return [];
  const aheadMs = scheduledFor.getTime() - now.getTime();
  if (aheadMs < -PAST_GRACE_MS) return [invalid('input.scheduledFor', 'IN_THE_PAST', 'This time is over.')];
  return aheadMs > MAX_AHEAD_MS
    ? [invalid('input.scheduledFor', 'TOO_FAR_AHEAD', 'At most a year ahead.')]
    : [];
}

/** The room after its host starts it. */
export function start(room: LiveRoom, actorId: string, now: Date): LiveRoom {
  requireHost(room, actorId);
  if (room.state === 'LIVE') throw new Refusal(conflict('The room is live already.', null, 'id'));
  if (room.state === 'ENDED') throw new Refusal(conflict('The room is over.', null, 'id'));
  return { ...room, state: 'LIVE', startedAt: now };
}

/** The room after its host ends it; a room that was only announced is called off by that. */
export function end(room: LiveRoom, actorId: string, now: Date): LiveRoom {
  requireHost(room, actorId);
  if (room.state === 'ENDED') throw new Refusal(conflict('The room is over already.', null, 'id'));
  return { ...room, state: 'ENDED', endedAt: now };
}

/** The room after its host has decided who may listen. */
export function openBroadcastTo(
  room: LiveRoom,
  broadcastAudience: BroadcastAudience,
  actorId: string,
): LiveRoom {
  requireHost(room, actorId, 'liveRoomId');
  if (room.state === 'ENDED') throw new Refusal(conflict('The room is over.', null, 'liveRoomId'));
  return { ...room, broadcastAudience };
}

function requireHost(room: LiveRoom, actorId: string, field = 'id'): void {
  if (room.hostId !== actorId) throw new Refusal(forbidden('Only its host may do this.', 'HOST', field));
}

export const alreadyLive = (): Refusal =>
  new Refusal(
    conflict('Its host or its chat room has another live room now; end that one first.', null, 'id'),
  );

/** Only a room that is on can be joined. */
export function requireLive(room: LiveRoom, field: string): void {
  if (room.state === 'LIVE') return;
  const message = room.state === 'SCHEDULED' ? 'The room has not started yet.' : 'The room is over.';
  throw new Refusal({ __typename: 'NotLiveError', message, field: [field], state: room.state });
}

/** `others` is how many people are in it, or on their way in, besides the one who asks; `hlsUrl` where to listen instead. */
export function requireSpace(room: LiveRoom, others: number, hlsUrl: string | null): void {
  if (others < room.capacity) return;
  const { capacity } = room;
  const message = 'The room is full.';
  throw new Refusal({ __typename: 'RoomFullError', message, field: ['id'], capacity, hlsUrl });
}

/** `others` is how many people in it may speak besides the one who shall. */
export const hasVoiceFor = ({ maxSpeakers }: LiveRoom, others: number): boolean => others < maxSpeakers;

export function requireVoiceFor(room: LiveRoom, others: number): void {
  if (hasVoiceFor(room, others)) return;
  const { maxSpeakers } = room;
  const message = 'As many people as may speak in this room do so already.';
  throw new Refusal({ __typename: 'SpeakerLimitError', message, field: ['participantId'], maxSpeakers });
}
