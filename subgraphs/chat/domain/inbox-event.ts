/** That a room has changed, for all who are in it or for one person. */
export interface NotedChange {
  readonly roomId: string;
  /** Whom alone it concerns; null: everybody in the room. */
  readonly userId: string | null;
}

/** A room that has changed for someone, at its newest change. */
export interface InboxChange {
  readonly roomId: string;
  /** In the order of all changes of all rooms. */
  readonly position: number;
  /** Whether a change concerned this person alone, such as that they came or left. */
  readonly isPersonal: boolean;
}

/** Where someone may begin to follow their rooms. */
export interface InboxStart {
  readonly userId: string;
  /** Opaque position, no newer than what is read behind it. */
  readonly eventCursor: string;
}

interface Entry<T extends string> {
  /** Name of the GraphQL type. */
  readonly __typename: T;
  /** Opaque position of the entry. */
  readonly cursor: string;
}

export interface InboxRoomChange extends Entry<'InboxRoomChanged'> {
  readonly roomId: string;
}

export interface InboxResync extends Entry<'InboxResyncRequired'> {
  readonly reason: 'WINDOW_EXPIRED' | 'EPOCH_CHANGED';
}

/** What someone's sidebar is told. It holds ids; the room as it is now is loaded when the event is delivered. */
export type InboxEvent = InboxRoomChange | InboxResync;

/** Live topic on which a change of the room for all in it is hinted at, once it has its position. */
export const roomChangesTopic = (roomId: string): string => `room-changes:${roomId}`;

/** Live topic on which changes of rooms that concern one person alone are hinted at, once they have their positions. */
export const memberChangesTopic = (userId: string): string => `member-changes:${userId}`;

/** Each room, and each person in a room, once, in the order of the last time. */
export function newestOfEach(changes: readonly NotedChange[]): NotedChange[] {
  const newest = new Map<string, NotedChange>();
  for (const change of changes) {
    const key = `${change.roomId} ${change.userId ?? ''}`;
    newest.delete(key);
    newest.set(key, change);
  }
  return [...newest.values()];
}
