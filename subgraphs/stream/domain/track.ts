import { conflict, forbidden, invalid, Refusal, refuseIfAny, type UserErrorData } from '#platform/errors.ts';
import { checkOptionalText, checkRange, checkText } from '#platform/rules.ts';
import type { AudioFormat } from './audio-format.ts';
import { checkGenre } from './genre.ts';

export type Visibility = 'PUBLIC' | 'UNLISTED' | 'PRIVATE';
export type License = 'ALL_RIGHTS_RESERVED' | 'CC_BY' | 'CC_BY_SA' | 'CC_BY_NC' | 'CC0';

/** What an artist says about a track. */
export interface TrackDetails {
  readonly title: string;
  readonly description: string | null;
  /** Slug of a genre. */
  readonly genre: string | null;
  readonly tags: readonly string[];
  /** Beats per minute. */
  readonly bpm: number | null;
  readonly musicalKey: string | null;
  readonly license: License;
  readonly visibility: Visibility;
}

/** What is known of its audio file. */
export interface TrackAudio {
  /** Key in the file store. */
  readonly audioKey: string;
  readonly audioFormat: AudioFormat;
  readonly sizeBytes: number;
  /** SHA-256 in hex. */
  readonly sha256: string;
  /** Null where the file does not tell it plainly. */
  readonly durationMs: number | null;
}

export interface Track extends TrackDetails, TrackAudio {
  readonly id: string;
  readonly artistId: string;
  readonly likeCount: number;
  readonly commentCount: number;
  /** Counts the changes of its details from 1 on. */
  readonly version: number;
  readonly publishedAt: Date;
  readonly updatedAt: Date;
}

/** As a mutation's input carries them: left out stays (or is the default), null clears. */
export type TrackChanges = { readonly [K in keyof TrackDetails]?: TrackDetails[K] | null };

const MAX_TITLE_CHARS = 150;
const MAX_DESCRIPTION_CHARS = 5_000;
const MAX_TAGS = 20;
const MIN_BPM = 20;
const MAX_BPM = 400;
const TAG = /^[\p{L}\p{N}][\p{L}\p{N}-]{0,29}$/u;
const MUSICAL_KEY = /^[A-G][#b]?m?$/;
const CLIENT_KEY = /^[\x21-\x7e]{8,100}$/;

const NO_DETAILS: TrackDetails = {
  title: '',
  description: null,
  genre: null,
  tags: [],
  bpm: null,
  musicalKey: null,
  license: 'ALL_RIGHTS_RESERVED',
  visibility: 'PUBLIC',
};

/** Whether someone may know that the track exists. */
export const canSee = (track: Track, viewerId: string | null): boolean =>
  track.visibility !== 'PRIVATE' || track.artistId === viewerId;

/** Details of a new track, normal forms and defaults filled in. Refuses with every broken rule at once. */
export function acceptTrack(input: TrackChanges & { readonly clientMutationKey: string }): TrackDetails {
  const badKey = !CLIENT_KEY.test(input.clientMutationKey);
  const errors = badKey
    ? [invalid('input.clientMutationKey', 'INVALID_KEY', 'Use 8 to 100 visible ASCII characters.')]
    : [];
  const { license, visibility, ...others } = input;
  return changeDetails(
    NO_DETAILS,
    { ...others, license: license ?? undefined, visibility: visibility ?? undefined },
    errors,
  );
}

/** The details after `changes`: what is left out stays, null clears. Refuses with every broken rule at once. */
export function changeDetails(
  details: TrackDetails,
  changes: TrackChanges,
  errors: readonly UserErrorData[] = [],
): TrackDetails {
  const title = changes.title === undefined ? details.title : (changes.title ?? '');
  const tags = changes.tags === undefined ? details.tags : normaliseTags(changes.tags ?? []);
  refuseIfAny([...errors, ...checkDetails(title, tags, changes)]);
  return {
    title: title.trim(),
    description: changed(changes.description?.trim() || null, changes.description, details.description),
    genre: changed(changes.genre, changes.genre, details.genre),
    tags,
    bpm: changed(changes.bpm, changes.bpm, details.bpm),
    musicalKey: changed(changes.musicalKey, changes.musicalKey, details.musicalKey),
    license: changes.license ?? details.license,
    visibility: changes.visibility ?? details.visibility,
  };
}

const changed = <T>(next: T | null | undefined, given: T | null | undefined, former: T | null): T | null =>
  given === undefined ? former : (next ?? null);

const normaliseTags = (tags: readonly string[]) => [
  ...new Set(tags.map((tag) => tag.trim().toLowerCase().normalize('NFC'))),
];

function checkDetails(title: string, tags: readonly string[], changes: TrackChanges): UserErrorData[] {
  const { description, genre, bpm, musicalKey, license, visibility } = changes;
  return [
    ...checkText('input.title', title, { minChars: 1, maxChars: MAX_TITLE_CHARS }),
    ...checkOptionalText('input.description', description, { maxChars: MAX_DESCRIPTION_CHARS }),
    ...checkGenre('input.genre', genre),
    ...checkTags(tags),
    ...(bpm == null ? [] : checkRange('input.bpm', bpm, MIN_BPM, MAX_BPM)),
    ...(musicalKey == null || MUSICAL_KEY.test(musicalKey)
      ? []
      : [invalid('input.musicalKey', 'INVALID_KEY', 'Use A to G, then # or b, then m for minor.')]),
    ...(license === null ? [invalid('input.license', 'REQUIRED', 'A license cannot be cleared.')] : []),
    ...(visibility === null
      ? [invalid('input.visibility', 'REQUIRED', 'The visibility cannot be cleared.')]
      : []),
  ];
}

function checkTags(tags: readonly string[]): UserErrorData[] {
  if (tags.length > MAX_TAGS) return [invalid('input.tags', 'TOO_MANY', `At most ${MAX_TAGS} tags.`)];
  if (tags.every((tag) => TAG.test(tag))) return [];
  return [invalid('input.tags', 'INVALID_TAG', 'Tags are 1 to 30 letters, digits and hyphens.')];
}

/** What keeps someone from changing or deleting a track that they can see. */
export function requireArtist(track: Track, actorId: string): void {
  if (track.artistId !== actorId) throw new Refusal(forbidden('Only its artist may do this.', null, 'id'));
}

export function requireVersion(track: Track, expectedVersion: number | null | undefined): void {
  if (expectedVersion == null || expectedVersion === track.version) return;
  const message = 'The track was changed in the meantime.';
  throw new Refusal(conflict(message, track.version, 'expectedVersion'));
}
