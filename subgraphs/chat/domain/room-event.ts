import type { RoomRole } from './membership.ts';

interface Entry<T extends string> {
  /** Name of the GraphQL type. */
  readonly __typename: T;
  /** Opaque position of the entry. */
  readonly cursor: string;
  readonly seq: number;
  readonly at: Date;
}

export interface RoomChange extends Entry<'RoomCreated' | 'RoomUpdated'> {
  readonly roomId: string;
}

export interface MessageChange extends Entry<'MessageCreated' | 'MessageEdited'> {
  readonly messageId: string;
}

export interface MessageDeletion extends Entry<'MessageDeleted'> {
  readonly messageId: string;
  readonly byModerator: boolean;
}

export interface ReactionChange extends Entry<'ReactionChanged'> {
  readonly messageId: string;
  readonly emoji: string;
  readonly userId: string;
  readonly added: boolean;
  readonly count: number;
}

export interface MembershipEvent extends Entry<'MembershipChanged'> {
  readonly userId: string;
  readonly change: 'JOINED' | 'LEFT' | 'KICKED' | 'BANNED' | 'UNBANNED' | 'ROLE_CHANGED';
  readonly role: RoomRole | null;
}

export interface ReadMarker extends Entry<'ReadMarkerMoved'> {
  readonly userId: string;
  readonly lastReadSeq: number;
}

export interface Resync extends Entry<'ResyncRequired'> {
  readonly reason: 'WINDOW_EXPIRED' | 'EPOCH_CHANGED';
}

/** An entry of a room's log as clients see it. It holds ids; objects are loaded when the event is delivered. */
export type RoomEvent =
  RoomChange | MessageChange | MessageDeletion | ReactionChange | MembershipEvent | ReadMarker | Resync;
