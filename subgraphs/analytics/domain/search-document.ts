export type SearchKind = 'USER' | 'TRACK' | 'ROOM' | 'LIVE_ROOM' | 'PRODUCT';

/** Something that search can find, as it was after event `seq` of its stream. */
export interface SearchDocument {
  readonly kind: SearchKind;
  readonly id: string;
  readonly title: string;
  readonly body: string | null;
  readonly ownerId: string | null;
  /** Further names that count as much as the title, for example a handle. */
  readonly names: readonly string[];
  /** Words that count more than the body, for example tags. */
  readonly tags: readonly string[];
  /** Whether everyone may find it. */
  readonly listed: boolean;
  readonly seq: number;
}

export interface SearchReference {
  readonly kind: SearchKind;
  readonly id: string;
}

/** A find. `score` has six decimals, so that it survives a cursor. */
export interface SearchHit extends SearchReference {
  readonly title: string;
  readonly body: string | null;
  readonly score: number;
}

/** Name of the GraphQL type of each kind. */
export const TYPE_OF_KIND = {
  USER: 'User',
  TRACK: 'Track',
  ROOM: 'Room',
  LIVE_ROOM: 'LiveRoom',
  PRODUCT: 'Product',
} as const satisfies Record<SearchKind, string>;
