import { invalid, Refusal, refuseIfAny, type UserErrorData } from '#platform/errors.ts';
import { checkOptionalText, checkRange } from '#platform/rules.ts';
import type { Membership } from './membership.ts';

export type RoomKind = 'CHANNEL' | 'DIRECT' | 'GROUP';
export type Visibility = 'PUBLIC' | 'UNLISTED' | 'PRIVATE';

/** A room as one caller sees it. */
export interface Room {
  readonly id: string;
  readonly kind: RoomKind;
  readonly name: string | null;
  readonly topic: string | null;
  readonly visibility: Visibility;
  readonly creatorId: string;
  readonly memberCount: number;
  /** `seq` of the newest message; 0 where there is none. */
  readonly lastSeq: number;
  readonly slowModeSeconds: number;
  readonly createdAt: Date;
  /** The newest event of the room's log when the room was read. */
  readonly position: { readonly epoch: number; readonly seq: number };
  readonly viewer: Standing;
}

/** How the caller stands to a room. */
export interface Standing {
  readonly membership: Membership | null;
  readonly banned: boolean;
  /** In a direct room: one of the two has blocked the other. */
  readonly blocked: boolean;
}

/** What a room looks like; the part that its admins change. */
export type RoomSettings = Pick<Room, 'name' | 'topic' | 'visibility' | 'slowModeSeconds'>;

export interface NewRoom extends RoomSettings {
  readonly kind: RoomKind;
  /** Without the creator, each person once. */
  readonly memberIds: readonly string[];
}

export interface NewRoomInput {
  readonly kind: RoomKind;
  readonly name?: string | null;
  readonly topic?: string | null;
  readonly visibility?: Visibility | null;
  readonly memberIds?: readonly string[] | null;
}

export interface RoomChanges {
  readonly name?: string | null;
  readonly topic?: string | null;
  readonly visibility?: Visibility | null;
  readonly slowModeSeconds?: number | null;
}

/** People in a group, and people that a new room starts with. */
const MAX_GROUP_MEMBERS = 100;
const NAME = { minChars: 1, maxChars: 80 };
const TOPIC = { maxChars: 300 };
const MAX_SLOW_MODE_SECONDS = 21_600;

/** The event stream of a room. */
export const streamOf = (roomId: string): string => `room:${roomId}`;

/** Whether the room exists for the caller. */
export const isVisible = ({ visibility, viewer }: Room): boolean =>
  visibility !== 'PRIVATE' || viewer.membership !== null;

/** The room to make, with defaults filled in. Refuses with every broken rule at once. */
export function acceptNewRoom(input: NewRoomInput, creatorId: string): NewRoom {
  const memberIds = [...new Set(input.memberIds ?? [])].filter((id) => id !== creatorId);
  const visibility = input.visibility ?? (input.kind === 'CHANNEL' ? 'PUBLIC' : 'PRIVATE');
  refuseIfAny([
    ...(input.kind === 'DIRECT' ? checkDirect(input, memberIds) : checkNamed(input.kind, input.name)),
    ...checkOptionalText('input.topic', input.topic, TOPIC),
    ...checkVisibility(input.kind, visibility),
    ...checkMemberCount(memberIds),
  ]);
  const name = input.name?.trim() || null;
  const topic = input.topic?.trim() || null;
  return { kind: input.kind, name, topic, visibility, slowModeSeconds: 0, memberIds };
}

/** The settings after `changes`: what is left out stays, null clears. Refuses with every broken rule at once. */
export function changeRoom(room: Room, changes: RoomChanges): RoomSettings {
  const name = changes.name === undefined ? room.name : changes.name;
  const slowModeSeconds =
    changes.slowModeSeconds === undefined ? room.slowModeSeconds : (changes.slowModeSeconds ?? 0);
  refuseIfAny([
    ...checkNamed(room.kind, name),
    ...checkOptionalText('input.topic', changes.topic, TOPIC),
    ...(changes.visibility === null
      ? [invalid('input.visibility', 'REQUIRED', 'The visibility cannot be cleared.')]
      : checkVisibility(room.kind, changes.visibility ?? room.visibility)),
    ...checkRange('input.slowModeSeconds', slowModeSeconds, 0, MAX_SLOW_MODE_SECONDS),
  ]);
  return {
    name: name?.trim() || null,
    topic: changes.topic === undefined ? room.topic : changes.topic?.trim() || null,
    visibility: changes.visibility ?? room.visibility,
    slowModeSeconds,
  };
}

/** Whether `settings` are other than the room's. */
export const changesRoom = (room: Room, settings: RoomSettings): boolean =>
  room.name !== settings.name ||
  room.topic !== settings.topic ||
  room.visibility !== settings.visibility ||
  room.slowModeSeconds !== settings.slowModeSeconds;

function checkNamed(kind: RoomKind, name: string | null | undefined): UserErrorData[] {
  if (kind === 'CHANNEL' && name == null) return [invalid('input.name', 'REQUIRED', 'A channel has a name.')];
  return checkOptionalText('input.name', name, NAME);
}

function checkDirect(input: NewRoomInput, memberIds: readonly string[]): UserErrorData[] {
  const [first] = input.memberIds ?? [];
  if (memberIds.length === 0 && first !== undefined)
    return [invalid('input.memberIds', 'SELF', 'A direct room needs someone else.')];
  return [
    ...(memberIds.length === 1
      ? []
      : [invalid('input.memberIds', 'ONE_MEMBER', 'A direct room is with exactly one person.')]),
    ...(input.name == null ? [] : [invalid('input.name', 'NOT_ALLOWED', 'A direct room has no name.')]),
    ...(input.topic == null ? [] : [invalid('input.topic', 'NOT_ALLOWED', 'A direct room has no topic.')]),
  ];
}

function checkVisibility(kind: RoomKind, visibility: Visibility): UserErrorData[] {
  if (kind === 'CHANNEL' || visibility === 'PRIVATE') return [];
  return [invalid('input.visibility', 'NOT_ALLOWED', 'Groups and direct rooms are private.')];
}

function checkMemberCount(memberIds: readonly string[]): UserErrorData[] {
  if (memberIds.length < MAX_GROUP_MEMBERS) return [];
  const message = `A room starts with at most ${MAX_GROUP_MEMBERS - 1} others.`;
  return [invalid('input.memberIds', 'TOO_MANY', message)];
}

/** Groups stay small; channels have no limit. */
export function requireSpace({ kind, memberCount }: Room): void {
  if (kind === 'GROUP' && memberCount >= MAX_GROUP_MEMBERS)
    throw new Refusal(
      invalid('userId', 'TOO_MANY', `A group has room for ${MAX_GROUP_MEMBERS} people at most.`),
    );
}
