import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { CodedError } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { isSameCaller, type Identity } from '../auth/auth.ts';
import type { GatewayMetrics } from '../metrics.ts';
import type { ClientLimits } from '../traffic/client-limits.ts';
import { closeSpread } from './closing.ts';
import { noSuchStream, ReservedStream, type ReservedStreamLimits } from './reserved-stream.ts';
import { goingAway } from './streamed-answer.ts';

export interface ReservedStreamsOptions {
  readonly clients: ClientLimits;
  readonly metrics: GatewayMetrics;
  readonly log: Log;
  readonly limits: ReservedStreamLimits;
  /** What tokens begin with; default: nothing. */
  readonly tokenPrefix?: string | undefined;
}

/**
 * A reservation costs its client next to nothing. Past so many the oldest one that nobody has opened goes: a client opens its own at once, and
 * one that never does keeps nobody else out.
 */
const MAX_UNOPENED = 10_000;
const TOKEN_BYTES = 24;

/** The streams of the single-connection mode that this process has. */
export class ReservedStreams {
  readonly #options: ReservedStreamsOptions;
  readonly #byToken = new Map<string, ReservedStream>();
  /** Oldest first. */
  readonly #unopened = new Set<ReservedStream>();
  #isClosing = false;

  constructor(options: ReservedStreamsOptions) {
    this.#options = options;
  }

  /** Throws RATE_LIMITED where that is one too many for its client, SERVICE_UNAVAILABLE after `close`. */
  reserve(request: IncomingMessage, identity: Identity | null): ReservedStream {
    if (this.#isClosing) throw goingAway();
    const releases = claim(this.#options.clients, request, identity);
    const [oldest] = this.#unopened;
    if (oldest && this.#unopened.size >= MAX_UNOPENED) oldest.end(null);
    return this.#add(identity, releases);
  }

  /**
   * The caller's own stream, which lives on with its token where that is a fresh one. Throws NOT_FOUND where there is none (any more),
   * UNAUTHENTICATED or FORBIDDEN where it is somebody else's.
   */
  require(token: string, identity: Identity | null): ReservedStream {
    const stream = this.#find(token);
    requireOwner(stream.identity, identity);
    if (identity) stream.renew(identity);
    return stream;
  }

  /** As `require`, but whoever names nobody is let in by the token alone: an EventSource cannot send more. */
  requireToOpen(token: string, identity: Identity | null): ReservedStream {
    return identity ? this.require(token, identity) : this.#find(token);
  }

  /** Ends the streams of a session, telling its client why. */
  endSession(sessionId: string): void {
    for (const stream of this.#byToken.values())
      if (stream.identity?.viewer.sessionId === sessionId)
        stream.end(new CodedError('UNAUTHENTICATED', 'The session was ended.'));
  }

  /** Takes no more, and ends every stream as soon as its queries and mutations are answered: not all at once, but within `spreadMs`. */
  async close(spreadMs: number): Promise<void> {
    this.#isClosing = true;
    await closeSpread(this.#byToken.values(), spreadMs, (stream) => stream.leave());
  }

  #add(identity: Identity | null, releases: readonly (() => void)[]): ReservedStream {
    const { tokenPrefix = '', limits, log, metrics } = this.#options;
    const token = tokenPrefix + randomBytes(TOKEN_BYTES).toString('base64url');
    const stream: ReservedStream = new ReservedStream({
      ...{ token, identity, limits, log },
      onOpen: () => void this.#unopened.delete(stream),
      onOver: () => {
        this.#byToken.delete(token);
        this.#unopened.delete(stream);
        metrics.streamEnded();
        for (const release of releases) release();
      },
    });
    this.#byToken.set(token, stream);
    this.#unopened.add(stream);
    metrics.streamReserved();
    return stream;
  }

  #find(token: string): ReservedStream {
    const stream = this.#byToken.get(token);
    if (!stream) throw noSuchStream();
    return stream;
  }
}

/** A place for a stream, as for any other connection that stays open. Returns what gives it back. */
function claim(clients: ClientLimits, request: IncomingMessage, identity: Identity | null): (() => void)[] {
  const address = clients.ofAddress(request);
  address.socket();
  const leave = address.open();
  try {
    return [leave, clients.ofIdentity(identity).open()];
  } catch (error) {
    leave();
    throw error;
  }
}

/** The stream speaks for the caller that has reserved it, and ends with that session. */
function requireOwner(owner: Identity | null, caller: Identity | null): void {
  if (isSameCaller(owner, caller)) return;
  if (owner && !caller)
    throw new CodedError('UNAUTHENTICATED', 'The event stream was reserved with an access token.');
  throw new CodedError('FORBIDDEN', 'The event stream is of another session, or has other rights.');
}
