/** Things that other subgraphs own: all that is known here without asking the database is their id. */
export interface UserReference {
  readonly id: string;
}
export interface TrackReference {
  readonly id: string;
}
export interface RoomReference {
  readonly id: string;
}
export interface LiveRoomReference {
  readonly id: string;
}
export interface ProductReference {
  readonly id: string;
}
