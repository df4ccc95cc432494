/** What one WebSocket may take. */
export interface SocketLimits {
  /** A longer message closes its socket with 1009. */
  readonly maxMessageBytes: number;
  /** Operations at the same time; the next one is refused with RATE_LIMITED, the socket stays. */
  readonly maxOperations: number;
  /** Headers that its `connection_init` may carry for subgraphs, in lower case; they count where the request has none of that name. */
  readonly initHeaders: readonly string[];
  /** Time for `connection_init`. */
  readonly initTimeoutMs: number;
  /** A socket without any operation for this long is closed. Unset: none is. */
  readonly idleMs?: number | undefined;
  /** A socket that is silent for this long is pinged, and dropped after as long again. */
  readonly keepAliveMs: number;
  /** A client that takes nothing for this long is closed. */
  readonly stallMs: number;
  /** Bytes that may wait for one client; what comes past them is held back, or given up where others get the same. */
  readonly maxBufferedBytes: number;
  /** Time to bring a fresh token once the one before has expired. */
  readonly tokenGraceMs: number;
  /** Time for the peer's part of the closing handshake, which one that reads nothing never sends. */
  readonly closeTimeoutMs: number;
  /** How often all sockets are looked at: one timer instead of several for each. */
  readonly sweepMs: number;
}

export const SOCKET_LIMITS = {
  maxMessageBytes: 1024 * 1024,
  maxOperations: 100,
  initHeaders: [],
  initTimeoutMs: 10_000,
  keepAliveMs: 15_000,
  stallMs: 30_000,
  maxBufferedBytes: 256 * 1024,
  tokenGraceMs: 10_000,
  closeTimeoutMs: 5_000,
  sweepMs: 1_000,
} as const satisfies SocketLimits;
