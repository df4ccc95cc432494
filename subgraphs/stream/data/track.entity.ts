import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { AudioFormat } from '../domain/audio-format.ts';
import type { License, Visibility } from '../domain/track.ts';

export const TrackEntity = defineEntity({
  name: 'Track',
  tableName: 'track',
  properties: {
    id: p.text().primary(),
    artistId: p.text(),
    title: p.text(),
    description: p.text().nullable(),
    genre: p.text().nullable(),
    tags: p.array<string>().default([]),
    bpm: p.float().nullable(),
    musicalKey: p.text().nullable(),
    license: p.text().$type<License>(),
    visibility: p.text().$type<Visibility>(),
    durationMs: p.integer().nullable(),
    audioKey: p.text(),
    audioFormat: p.text().$type<AudioFormat>(),
    sizeBytes: p.integer(),
    sha256: p.text(),
    /** The client's own key, against publishing twice. */
    clientMutationKey: p.text(),
    likeCount: p.integer().default(0),
    commentCount: p.integer().default(0),
    version: p.integer().default(1),
    publishedAt: p.datetime(),
    updatedAt: p.datetime(),
  },
});

export type TrackRow = InferEntity<typeof TrackEntity>;

export const TrackCommentEntity = defineEntity({
  name: 'TrackComment',
  tableName: 'track_comment',
  properties: {
    id: p.text().primary(),
    trackId: p.text(),
    authorId: p.text(),
    body: p.text(),
    atMs: p.integer().nullable(),
    createdAt: p.datetime(),
  },
});

export type TrackCommentRow = InferEntity<typeof TrackCommentEntity>;
