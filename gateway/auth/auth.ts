import type { Viewer } from '#platform/viewer.ts';
import type { Grants } from '../engine/authorization/grants.ts';

/** A caller whose token was verified. */
export interface Identity {
  readonly viewer: Viewer;
  readonly grants: Grants;
  /** When the token ends, and with it whatever the caller keeps open. */
  readonly expiresAtMs: number;
  /** Value of the signed viewer header, fresh enough for a request that is sent now. */
  viewerHeader(): string;
}

/** Whether what runs for the one may go on for the other. */
export const isSameCaller = (one: Identity | null, other: Identity | null): boolean =>
  JSON.stringify(one?.viewer) === JSON.stringify(other?.viewer) && one?.grants.key === other?.grants.key;

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
