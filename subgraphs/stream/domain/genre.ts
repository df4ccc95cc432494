import { invalid, type UserErrorData } from '#platform/errors.ts';

export interface Genre {
  /** Stable name; stored with tracks, so never changed. */
  readonly slug: string;
  readonly name: string;
}

/** Every genre, by name. */
export const GENRES: readonly Genre[] = [
  { slug: 'afrobeats', name: 'Afrobeats' },
  { slug: 'ambient', name: 'Ambient' },
  { slug: 'blues', name: 'Blues' },
  { slug: 'classical', name: 'Classical' },
  { slug: 'country', name: 'Country' },
  { slug: 'disco', name: 'Disco' },
  { slug: 'downtempo', name: 'Downtempo' },
  { slug: 'drum-and-bass', name: 'Drum & Bass' },
  { slug: 'dub', name: 'Dub' },
  { slug: 'dubstep', name: 'Dubstep' },
  { slug: 'electro', name: 'Electro' },
  { slug: 'experimental', name: 'Experimental' },
  { slug: 'field-recording', name: 'Field Recording' },
  { slug: 'folk', name: 'Folk' },
  { slug: 'funk', name: 'Funk' },
  { slug: 'hip-hop', name: 'Hip-Hop' },
  { slug: 'house', name: 'House' },
  { slug: 'indie', name: 'Indie' },
  { slug: 'jazz', name: 'Jazz' },
  { slug: 'jungle', name: 'Jungle' },
  { slug: 'latin', name: 'Latin' },
  { slug: 'lo-fi', name: 'Lo-Fi' },
  { slug: 'metal', name: 'Metal' },
  { slug: 'pop', name: 'Pop' },
  { slug: 'punk', name: 'Punk' },
  { slug: 'r-and-b', name: 'R&B' },
  { slug: 'reggae', name: 'Reggae' },
  { slug: 'rock', name: 'Rock' },
  { slug: 'soul', name: 'Soul' },
  { slug: 'soundtrack', name: 'Soundtrack' },
  { slug: 'spoken-word', name: 'Spoken Word' },
  { slug: 'techno', name: 'Techno' },
  { slug: 'trance', name: 'Trance' },
  { slug: 'trap', name: 'Trap' },
];

const BY_SLUG = new Map(GENRES.map((genre) => [genre.slug, genre]));

export const findGenre = (slug: string): Genre | null => BY_SLUG.get(slug) ?? null;

export function checkGenre(field: string, slug: string | null | undefined): UserErrorData[] {
  const known = slug == null || BY_SLUG.has(slug);
  return known ? [] : [invalid(field, 'UNKNOWN_GENRE', 'There is no such genre; see the query genres.')];
}
