import type { EventName } from '#schema/events.ts';
import type { Events } from '#platform/events/events.ts';
import type { AnyEvent } from '#platform/events/ports.ts';
import { insertEngagement, insertSale, refundSales, type Engagement } from './data/engagement.repository.ts';
import { countMessage } from './data/message.repository.ts';
import { saveDocument } from './data/search.repository.ts';
import {
  deleteTrack,
  saveLiveRoom,
  saveParticipant,
  saveUnlisted,
  saveRoom,
  saveTrack,
} from './data/subject.repository.ts';
import { addToTotal } from './data/totals.repository.ts';
import { NUMBER_CHANGED, SUBJECT_CHANGED, topicOf } from './domain/live-counter.ts';
import { documentOf, DOCUMENT_EVENTS } from './domain/searchable.ts';

export interface ReactionsDeps {
  readonly events: Events;
}

/** One consumer for each read model. Each keeps its own progress under its name, and each event is one transaction. */
export function registerReactions(deps: ReactionsDeps): void {
  deps.events.consume('analytics-search', DOCUMENT_EVENTS, (event, { em }) =>
    saveDocument(em, documentOf(event)),
  );
  followTracks(deps);
  followRooms(deps);
  followLiveRooms(deps);
  followAudience(deps);
  followSales(deps);
}

function followTracks({ events }: ReactionsDeps): void {
  const names = ['track.published', 'track.updated', 'track.deleted'] as const;
  events.consume('analytics-tracks', names, async (event, { em, tell }) => {
    const { trackId: id, artistId } = event.payload;
    if (event.name === 'track.deleted') await deleteTrack(em, id, artistId, event.seq);
    else {
      const { genre, visibility } = event.payload;
      await saveTrack(em, { id, artistId, genre, visibility, seq: event.seq });
    }
    tell(topicOf('PLAYS', id), SUBJECT_CHANGED);
  });
}

function followRooms({ events }: ReactionsDeps): void {
  const names = ['room.created', 'room.updated', 'message.created'] as const;
  events.consume('analytics-rooms', names, async (event, { em, tell }) => {
    const { roomId } = event.payload;
    if (event.name === 'message.created') await countMessage(em, roomId, event.at);
    else await saveRoom(em, roomId, event.payload.visibility, event.seq);
    const isMessage = event.name === 'message.created';
    tell(topicOf('MESSAGES_PER_MINUTE', roomId), isMessage ? NUMBER_CHANGED : SUBJECT_CHANGED);
  });
}

function followLiveRooms({ events }: ReactionsDeps): void {
  const names = [
    'liveRoom.created',
    'liveRoom.ended',
    'liveRoom.participantJoined',
    'liveRoom.participantChanged',
    'liveRoom.participantLeft',
    'liveRoom.listenersChanged',
  ] as const;
  events.consume('analytics-live-rooms', names, async (event, { em, tell }) => {
    const { name, seq, payload } = event;
    const { liveRoomId } = payload;
    if (name === 'liveRoom.created' || name === 'liveRoom.ended') {
      await saveLiveRoom(em, liveRoomId, name === 'liveRoom.ended', seq);
    } else if (name === 'liveRoom.listenersChanged') {
      await saveUnlisted(em, liveRoomId, payload.unlisted, seq);
    } else {
      const listening = 'role' in payload && payload.role === 'LISTENER';
      await saveParticipant(em, liveRoomId, event.payload.participantId, listening, seq);
    }
    tell(topicOf('LISTENERS', liveRoomId), NUMBER_CHANGED);
  });
}

const ENGAGEMENTS = {
  'track.liked': { kind: 'LIKE', delta: 1 },
  'track.unliked': { kind: 'LIKE', delta: -1 },
  'track.commented': { kind: 'COMMENT', delta: 1 },
  'track.commentDeleted': { kind: 'COMMENT', delta: -1 },
  'user.followed': { kind: 'FOLLOW', delta: 1 },
  'user.unfollowed': { kind: 'FOLLOW', delta: -1 },
} as const satisfies Partial<Record<EventName, Pick<Engagement, 'kind' | 'delta'>>>;

type EngagementEvent = AnyEvent<keyof typeof ENGAGEMENTS>;

function followAudience({ events }: ReactionsDeps): void {
  const names = Object.keys(ENGAGEMENTS) as (keyof typeof ENGAGEMENTS)[];
  events.consume('analytics-audience', names, async (event, { em }) => {
    const { kind, delta } = ENGAGEMENTS[event.name];
    const artistId = artistOf(event);
    const isNew = await insertEngagement(em, { eventId: event.id, artistId, kind, delta, at: event.at });
    if (isNew && kind === 'FOLLOW') await addToTotal(em, artistId, delta);
  });
}

const artistOf = ({ payload }: EngagementEvent): string =>
  'artistId' in payload ? payload.artistId : payload.followedId;

function followSales({ events }: ReactionsDeps): void {
  events.consume('analytics-sales', ['order.paid', 'order.stateChanged'], async (event, { em }) => {
    const { orderId } = event.payload;
    if (event.name === 'order.paid') {
      const { currency, lines } = event.payload;
      const numbered = lines.map((line, index) => ({ ...line, line: index }));
      // In the order of ids, as every transaction that changes several totals.
      for (const line of numbered.toSorted((a, b) => (a.productId < b.productId ? -1 : 1)))
        await insertSale(em, { ...line, orderId, currency, paidAt: event.at });
    } else if (event.payload.to === 'REFUNDED') await refundSales(em, orderId);
  });
}
