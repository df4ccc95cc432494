import type { Viewer } from '#platform/viewer.ts';

/** A caller whose token was verified. */
export interface Identity {
  readonly viewer: Viewer;
  /** When the token ends, and with it whatever the caller keeps open. */
  readonly expiresAtMs: number;
  /** Value of the signed viewer header, fresh enough for a request that is sent now. */
  viewerHeader(): string;
}

/** Decides who is calling. */
export interface GatewayAuth {
  /**
   * Null where `authorization` is missing: an anonymous caller. Throws CodedError UNAUTHENTICATED for a token that is malformed,
   * forged, expired or of a revoked session, SERVICE_UNAVAILABLE where the keys cannot be had.
   */
  authenticate(authorization: string | undefined): Promise<Identity | null>;
  /** Throws UNAUTHENTICATED where the token has expired, or its session was revoked, since it was verified. */
  requireCurrent(identity: Identity): void;
  /** Calls back with the id of every session that is revoked from now on. Returns a function that stops it. */
  onRevoked(listener: (sessionId: string) => void): () => void;
  /** Rejects where tokens cannot be verified now. */
  ready(): Promise<void>;
  close(): Promise<void>;
}
