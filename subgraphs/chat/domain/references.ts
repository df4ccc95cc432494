/** A person whose profile another subgraph knows. */
export interface UserReference {
  readonly id: string;
}

/** A track that another subgraph knows. */
export interface TrackReference {
  readonly id: string;
}

/** A comment on a track that another subgraph knows. */
export interface TrackCommentReference {
  readonly id: string;
}

/** A live room that another subgraph knows. */
export interface LiveRoomReference {
  readonly id: string;
}

/** A product that another subgraph knows. */
export interface ProductReference {
  readonly id: string;
}
