/** Where a live room's audio is to be had. Answers are a second old at most; it never rejects. */
export interface MediaServers {
  locate(liveRoomId: string): Promise<MediaLocation>;
}

export type MediaLocation =
  /** `url` is the WebSocket address for clients; `canMix`: whether recordings can be mixed there. */
  | { readonly available: true; readonly url: string; readonly canMix: boolean }
  /** `reason` is for the log, not for clients. */
  | { readonly available: false; readonly reason: string };

/** A STUN or TURN server in the form of WebRTC's RTCIceServer. */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username: string | null;
  readonly credential: string | null;
}
