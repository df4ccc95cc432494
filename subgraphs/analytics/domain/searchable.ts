import type { EventName, EventPayload } from '#schema/events.ts';
import type { SearchDocument } from './search-document.ts';

/** Everything that changes what search finds. */
export const DOCUMENT_EVENTS = [
  'user.registered',
  'user.profileUpdated',
  'room.created',
  'room.updated',
  'track.published',
  'track.updated',
  'track.deleted',
  'liveRoom.created',
  'liveRoom.ended',
  'product.published',
  'product.updated',
  'product.archived',
] as const satisfies readonly EventName[];

type DocumentEventName = (typeof DOCUMENT_EVENTS)[number];

/** What of an event makes a document. */
export type DocumentEvent = {
  [N in DocumentEventName]: {
    readonly name: N;
    readonly seq: number;
    readonly stream: string;
    readonly payload: EventPayload<N>;
  };
}[DocumentEventName];

// A thing that is gone keeps a row without texts, so that an older event that comes late cannot bring it back.
const NOTHING = { title: '', body: null, ownerId: null, names: [], tags: [], listed: false };

/** The document as it is after the event. */
export function documentOf(event: DocumentEvent): SearchDocument {
  const { seq } = event;
  switch (event.name) {
    case 'user.registered':
    case 'user.profileUpdated':
      return userDocument(event.payload, seq);
    case 'room.created':
    case 'room.updated':
      return roomDocument(event.payload, seq);
    case 'track.published':
    case 'track.updated':
      return trackDocument(event.payload, seq);
    case 'track.deleted':
      return { ...NOTHING, kind: 'TRACK', id: event.payload.trackId, seq };
    case 'liveRoom.created':
      return liveRoomDocument(event.payload, seq);
    case 'liveRoom.ended':
      return { ...NOTHING, kind: 'LIVE_ROOM', id: event.payload.liveRoomId, seq };
    case 'product.published':
    case 'product.updated':
      return productDocument(event.payload, seq);
    case 'product.archived':
      return { ...NOTHING, kind: 'PRODUCT', id: event.payload.productId, seq };
  }
}

function userDocument(
  user: EventPayload<'user.registered'> | EventPayload<'user.profileUpdated'>,
  seq: number,
): SearchDocument {
  const { userId: id, handle, displayName: title } = user;
  const body = 'bio' in user ? user.bio : null;
  return { kind: 'USER', id, title, body, ownerId: id, names: [handle], tags: [], listed: true, seq };
}

function roomDocument(
  room: EventPayload<'room.created'> | EventPayload<'room.updated'>,
  seq: number,
): SearchDocument {
  // A private room's texts are not kept at all: what is not there cannot leak.
  if (room.visibility !== 'PUBLIC') return { ...NOTHING, kind: 'ROOM', id: room.roomId, seq };
  const ownerId = 'ownerId' in room ? room.ownerId : null;
  const { roomId: id, name, topic: body } = room;
  return { kind: 'ROOM', id, title: name ?? '', body, ownerId, names: [], tags: [], listed: true, seq };
}

function trackDocument(track: EventPayload<'track.updated'>, seq: number): SearchDocument {
  if (track.visibility !== 'PUBLIC') return { ...NOTHING, kind: 'TRACK', id: track.trackId, seq };
  const { trackId: id, title, description: body, artistId: ownerId, genre } = track;
  const tags = [...track.tags, ...(genre === null ? [] : [genre])];
  return { kind: 'TRACK', id, title, body, ownerId, names: [], tags, listed: true, seq };
}

function liveRoomDocument(room: EventPayload<'liveRoom.created'>, seq: number): SearchDocument {
  const { liveRoomId: id, title, topic: body, hostId: ownerId } = room;
  return { kind: 'LIVE_ROOM', id, title, body, ownerId, names: [], tags: [], listed: true, seq };
}

function productDocument(product: EventPayload<'product.updated'>, seq: number): SearchDocument {
  const { productId: id, title, description: body, sellerId: ownerId } = product;
  // SAMPLE_PACK is found as "sample pack".
  const tags = [product.kind.replaceAll('_', ' ')];
  return { kind: 'PRODUCT', id, title, body, ownerId, names: [], tags, listed: true, seq };
}
