import { errors } from 'mediasoup';
import { SignallingError } from '../signalling/signalling-error.ts';

/** A stream of another server that does not come now. `isThere` resolves once it has come, with true, or has ended, with false. */
export class LateStream extends SignallingError {
  readonly isThere: Promise<boolean>;

  constructor(isThere: Promise<boolean>) {
    super('MEDIA_UNAVAILABLE', 'The stream does not arrive. You are told when it does.');
    this.isThere = isThere;
  }
}

/**
 * Rejects as `using` does; where that is because a stream is late, `onSettled` is called once it has come or ended. Soon where something was closed
 * just then that it needs, a pipe for example: had it been closed later, its user would be told.
 */
export async function withLateStreams<T>(using: Promise<T>, onSettled: () => void): Promise<T> {
  try {
    return await using;
  } catch (error) {
    if (error instanceof LateStream) void error.isThere.then(onSettled);
    if (error instanceof errors.NotFoundError) setImmediate(onSettled);
    throw error;
  }
}
