/** A person whose profile another subgraph knows. */
export interface UserReference {
  readonly id: string;
}

/** A track that another subgraph knows. */
export interface TrackReference {
  readonly id: string;
}
