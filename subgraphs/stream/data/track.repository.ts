import { LockMode, raw } from '@mikro-orm/core';
import type { Em } from '#platform/database.ts';
import { pageOfEach } from '#platform/keyset.ts';
import type { Page } from '#platform/paging.ts';
import { textArray } from '#platform/text-array.ts';
import type { Track, TrackDetails } from '../domain/track.ts';
import { TrackEntity, type TrackRow } from './track.entity.ts';

export async function findTracksById(em: Em, ids: readonly string[]): Promise<Track[]> {
  return (await em.find(TrackEntity, { id: { $in: [...ids] } }, { refresh: true })).map(toTrack);
}

/** The track that an upload with this key has made. */
export async function findTrackByKey(em: Em, artistId: string, key: string): Promise<Track | null> {
  const row = await em.findOne(TrackEntity, { artistId, clientMutationKey: key });
  return row && toTrack(row);
}

/** Locked until the transaction ends: changes to one track happen one after the other. */
export async function lockTrack(em: Em, id: string): Promise<Track | null> {
  const options = { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true } as const;
  const row = await em.findOne(TrackEntity, { id }, options);
  return row && toTrack(row);
}

/** False where the artist has used the key before: the constraint decides, so two uploads at once make one track. */
export async function insertTrack(em: Em, track: Track, clientMutationKey: string): Promise<boolean> {
  const rows = await em.execute(
    `insert into track (id, artist_id, title, description, genre, tags, bpm, musical_key, license, visibility, duration_ms,
       audio_key, audio_format, size_bytes, sha256, client_mutation_key, published_at, updated_at)
     values (?, ?, ?, ?, ?, ?::text[], ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (artist_id, client_mutation_key) do nothing returning id`,
    [
      ...[track.id, track.artistId, track.title, track.description, track.genre, textArray(track.tags)],
      ...[track.bpm, track.musicalKey, track.license, track.visibility, track.durationMs, track.audioKey],
      ...[track.audioFormat, track.sizeBytes, track.sha256, clientMutationKey],
      ...[track.publishedAt, track.updatedAt],
    ],
  );
  return rows.length === 1;
}

export async function saveDetails(
  em: Em,
  id: string,
  details: TrackDetails,
  version: number,
  updatedAt: Date,
): Promise<void> {
  const row = { ...details, tags: [...details.tags], version, updatedAt };
  await em.nativeUpdate(TrackEntity, { id }, row);
}

/** Likes and comments go with it. */
export async function deleteTrack(em: Em, id: string): Promise<void> {
  await em.nativeDelete(TrackEntity, { id });
}

/** The same page of each artist's tracks, newest first; the viewer sees all of their own, and the PUBLIC ones of others. */
export async function listTracksOf(
  em: Em,
  artistIds: readonly string[],
  viewerId: string | null,
  page: Page,
): Promise<Track[]> {
  const { from, parameters } = pageOfEach(artistIds, page, {
    table: 'track',
    owner: 'artist_id',
    where: `(visibility = 'PUBLIC' or artist_id = ?)`,
    whereParameters: [viewerId ?? ''],
    order: { columns: [{ name: 'id', type: 'text' }], direction: 'desc' },
  });
  const ids = raw<string[]>(`select id from ${from}`, parameters);
  const orderBy = { id: page.direction === 'forward' ? 'desc' : 'asc' } as const;
  return (await em.find(TrackEntity, { id: { $in: ids } }, { orderBy })).map(toTrack);
}

/** A liked track, with the moment that orders it. */
export interface LikedTrack {
  readonly userId: string;
  readonly trackId: string;
  readonly likedAt: Date;
}

/** The same page of what each user likes, latest first; PUBLIC tracks, and of the viewer's own likes what else they may still see. */
export async function listLiked(
  em: Em,
  userIds: readonly string[],
  viewerId: string | null,
  page: Page,
): Promise<LikedTrack[]> {
  const { from, order, parameters } = pageOfEach(userIds, page, {
    table: 'track_like',
    alias: 'l',
    owner: 'l.user_id',
    where: `exists (select 1 from track t where t.id = l.track_id and (t.visibility = 'PUBLIC'
      or (l.user_id = ? and (t.visibility = 'UNLISTED' or t.artist_id = l.user_id))))`,
    whereParameters: [viewerId ?? ''],
    order: {
      columns: [
        { name: 'l.liked_at', type: 'timestamptz' },
        { name: 'l.track_id', type: 'text' },
      ],
      direction: 'desc',
    },
  });
  const rows = await em.execute<{ userId: string; trackId: string; likedAt: Date | string }[]>(
    `select l.user_id as "userId", l.track_id as "trackId", l.liked_at as "likedAt" from ${from} order by ${order}`,
    parameters,
  );
  return rows.map((row) => ({ ...row, likedAt: new Date(row.likedAt) }));
}

/** Which of `trackIds` the user likes. */
export async function findLiked(em: Em, userId: string, trackIds: readonly string[]): Promise<string[]> {
  const rows = (await em.execute(
    'select track_id from track_like where user_id = ? and track_id = any(?::text[])',
    [userId, textArray(trackIds)],
  )) as { track_id: string }[];
  return rows.map((row) => row.track_id);
}

/** False where it was so already. The counter moves with the row, so it cannot drift. */
export async function insertLike(em: Em, trackId: string, userId: string, now: Date): Promise<boolean> {
  const rows = await em.execute(
    'insert into track_like (track_id, user_id, liked_at) values (?, ?, ?) on conflict do nothing returning 1',
    [trackId, userId, now],
  );
  if (rows.length === 1)
    await em.execute('update track set like_count = like_count + 1 where id = ?', [trackId]);
  return rows.length === 1;
}

/** False where there was none. */
export async function deleteLike(em: Em, trackId: string, userId: string): Promise<boolean> {
  const rows = await em.execute('delete from track_like where track_id = ? and user_id = ? returning 1', [
    trackId,
    userId,
  ]);
  if (rows.length === 1)
    await em.execute('update track set like_count = like_count - 1 where id = ?', [trackId]);
  return rows.length === 1;
}

function toTrack(row: TrackRow): Track {
  const { clientMutationKey: _key, ...track } = row;
  return {
    ...track,
    description: row.description ?? null,
    genre: row.genre ?? null,
    bpm: row.bpm ?? null,
    musicalKey: row.musicalKey ?? null,
    durationMs: row.durationMs ?? null,
  };
}
