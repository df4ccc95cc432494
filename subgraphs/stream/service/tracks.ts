import { conflict, messageOf, notFound, Refusal } from '#platform/errors.ts';
import type { Em } from '#platform/database.ts';
import type { Events } from '#platform/events/events.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import type { FileStore } from '#platform/files/file-store.ts';
import { abandonFile, claimFile } from '#platform/files/unclaimed-files.ts';
import { isId, newId } from '#platform/ids.ts';
import type { Log } from '#platform/log.ts';
import type { Viewer } from '#platform/viewer.ts';
import {
  deleteLike,
  deleteTrack,
  findTrackByKey,
  findTracksById,
  insertLike,
  insertTrack,
  lockTrack,
  saveDetails,
} from '../data/track.repository.ts';
import {
  acceptTrack,
  canSee,
  changeDetails,
  requireArtist,
  requireVersion,
  type Track,
  type TrackChanges,
} from '../domain/track.ts';
import { storeAudio, type Upload } from './audio-intake.ts';

export interface UploadInput extends TrackChanges {
  readonly file: Promise<Upload>;
  readonly clientMutationKey: string;
}

/** What changes tracks. Every change answers with the track as it is after it. */
export interface Tracks {
  /** Repeated with the same key it answers with the track made before. `id` is for the demo data. */
  upload(viewer: Viewer, input: UploadInput, id?: string): Promise<Track>;
  update(viewer: Viewer, id: string, changes: TrackChanges, expectedVersion?: number | null): Promise<Track>;
  delete(viewer: Viewer, id: string): Promise<string>;
  /** What was so already stays so and leaves no event. */
  like(viewer: Viewer, id: string): Promise<Track>;
  unlike(viewer: Viewer, id: string): Promise<Track>;
}

export interface TracksDeps {
  readonly database: { fork(): Em };
  readonly events: Events;
  readonly files: FileStore;
  readonly log: Log;
  readonly now: () => Date;
}

export function createTracks(deps: TracksDeps): Tracks {
  const { events, now } = deps;
  return {
    upload: (viewer, input, id) => uploadTrack(deps, viewer.userId, input, id ?? newId('Track')),

    update: (viewer, id, changes, expectedVersion) =>
      events.transact(async ({ em, append }) => {
        const track = requireSeen(await findLocked(em, id), viewer.userId, id);
        requireArtist(track, viewer.userId);
        requireVersion(track, expectedVersion);
        const details = changeDetails(track, changes);
        const next = { ...track, ...details, version: track.version + 1, updatedAt: now() };
        await saveDetails(em, id, details, next.version, next.updatedAt);
        await append({ ...about(next), name: 'track.updated', payload: describe(next) });
        return next;
      }),

    delete: (viewer, id) => remove(deps, viewer.userId, id),
    like: (viewer, id) => events.transact((tx) => setLike(tx, insertLike, 'track.liked', viewer, id, now())),
    unlike: (viewer, id) =>
      events.transact((tx) => setLike(tx, deleteLike, 'track.unliked', viewer, id, now())),
  };
}

async function uploadTrack(
  deps: TracksDeps,
  artistId: string,
  input: UploadInput,
  id: string,
): Promise<Track> {
  const { database, events, files, now } = deps;
  const { file, clientMutationKey, ...changes } = input;
  const details = acceptTrack({ ...changes, clientMutationKey });
  const made = await findTrackByKey(database.fork(), artistId, clientMutationKey);
  if (made) return made;
  const audio = await storeAudio(files, await file);
  const at = now();
  const counts = { likeCount: 0, commentCount: 0, version: 1 };
  const track = { id, artistId, ...details, ...audio, ...counts, publishedAt: at, updatedAt: at };
  const isNew = await events.transact(async ({ em, append }) => {
    if (!(await insertTrack(em, track, clientMutationKey))) return false;
    await claimFile(em, track.audioKey);
    const payload = { ...describe(track), durationMs: track.durationMs };
    await append({ ...about(track), name: 'track.published', payload });
    return true;
  });
  if (isNew) return track;
  // The same upload at the same time was faster; this one's audio belongs to nobody.
  await discard(deps, audio.audioKey);
  const winner = await findTrackByKey(database.fork(), artistId, clientMutationKey);
  if (winner) return winner;
  throw new Refusal(conflict('The track of this key was deleted just now.', null, 'input.clientMutationKey'));
}

async function remove(deps: TracksDeps, actorId: string, id: string): Promise<string> {
  const track = await deps.events.transact(async ({ em, append }) => {
    const found = requireSeen(await findLocked(em, id), actorId, id);
    requireArtist(found, actorId);
    await deleteTrack(em, id);
    await abandonFile(em, found.audioKey, deps.now());
    await append({ ...about(found), name: 'track.deleted', payload: { trackId: id, artistId: actorId } });
    return found;
  });
  await discard(deps, track.audioKey);
  return id;
}

// A file that stays behind is deleted a day later; failing for it would tell the caller that the deed was not done.
async function discard({ files, log }: TracksDeps, audioKey: string): Promise<void> {
  await files.delete(audioKey).catch((error: unknown) => {
    log.warn({ audioKey, reason: messageOf(error) }, 'audio file not deleted');
  });
}

async function setLike(
  { em, append }: Transaction,
  change: typeof insertLike,
  name: 'track.liked' | 'track.unliked',
  { userId }: Viewer,
  id: string,
  now: Date,
): Promise<Track> {
  // Locked first, so that everyone takes track before like: the other way round two changes could wait for each other.
  const track = requireSeen(await findLocked(em, id), userId, id);
  if (!(await change(em, id, userId, now))) return track;
  const payload = { trackId: id, artistId: track.artistId, userId };
  await append({ stream: `track:${id}`, name, payload, actorId: userId });
  const [after] = await findTracksById(em, [id]);
  return after!;
}

const findLocked = (em: Em, id: string) => (isId('Track', id) ? lockTrack(em, id) : Promise.resolve(null));

function requireSeen(track: Track | null, viewerId: string, id: string): Track {
  if (track && canSee(track, viewerId)) return track;
  throw new Refusal(notFound('id', id, 'There is no such track.'));
}

const about = ({ id, artistId }: Track) => ({ stream: `track:${id}`, actorId: artistId });

// What is private is told to nobody: other subgraphs index what events say.
function describe(track: Track) {
  const { id: trackId, artistId, visibility } = track;
  const hidden = visibility === 'PRIVATE';
  const { title, description, genre } = hidden ? { title: '', description: null, genre: null } : track;
  return { trackId, artistId, title, description, genre, tags: hidden ? [] : [...track.tags], visibility };
}
