/** Something of which this subgraph knows the id alone: a user, an account, a track. */
export interface Reference {
  readonly id: string;
}
