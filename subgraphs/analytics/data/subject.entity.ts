import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EventPayload } from '#schema/events.ts';

export type Visibility = EventPayload<'track.published'>['visibility'];

/** What analytics has to know about other subgraphs' things; `seq` is the event that it was learnt from. */
export const Track = defineEntity({
  name: 'Track',
  tableName: 'track',
  properties: {
    id: p.text().primary(),
    artistId: p.text(),
    genre: p.text().nullable(),
    visibility: p.text().$type<Visibility>(),
    deleted: p.boolean().default(false),
    seq: p.bigint('number'),
  },
});

export const Room = defineEntity({
  name: 'Room',
  tableName: 'room',
  properties: {
    id: p.text().primary(),
    visibility: p.text().$type<Visibility>(),
    seq: p.bigint('number'),
  },
});

export const LiveRoom = defineEntity({
  name: 'LiveRoom',
  tableName: 'live_room',
  properties: {
    id: p.text().primary(),
    ended: p.boolean().default(false),
    seq: p.bigint('number'),
  },
});

export type TrackRow = InferEntity<typeof Track>;
