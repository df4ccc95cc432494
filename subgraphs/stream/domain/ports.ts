import type { MediaPurpose } from './placement.ts';

/** Where a live room's audio is to be had. Answers are a quarter of a second old at most; it never rejects. */
export interface MediaServers {
  /** `purpose` is to enter unless it is said otherwise. */
  locate(liveRoomId: string, purpose?: MediaPurpose): Promise<MediaLocation>;
}

export type MediaLocation =
  | {
      readonly available: true;
      /** WebSocket address for clients. */
      readonly url: string;
      /** Where clients reach what it serves over HTTP. */
      readonly webUrl: string;
      /** Whether it can mix recordings and broadcasts. */
      readonly canMix: boolean;
    }
  /** `reason` is for the log, not for clients. */
  | { readonly available: false; readonly reason: string };

/** A STUN or TURN server in the form of WebRTC's RTCIceServer. */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username: string | null;
  readonly credential: string | null;
}
